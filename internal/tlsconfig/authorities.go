package tlsconfig

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// Authorities are the certificates of the authorities that a connection string
// names. If it names any, only those are trusted. Otherwise the system's authorities
// are trusted.
type Authorities struct {
	File      connstr.Option // a file in PEM form
	Directory connstr.Option // a directory as `openssl rehash` makes it
	Data      connstr.Option // text in PEM form
}

// Given reports whether the connection string names authorities.
func (a *Authorities) Given() bool {
	return a.File.Value != "" || a.Directory.Value != "" || a.Data.Value != ""
}

// Pool reads the certificates. A nil pool stands for the system's authorities. The
// error names the option that is wrong.
func (a *Authorities) Pool() (*x509.CertPool, error) {
	if !a.Given() {
		return nil, nil //nolint:nilnil // nil are the system's
	}
	pool := x509.NewCertPool()
	if a.File.Value != "" {
		if err := addFile(pool, a.File.Value); err != nil {
			return nil, fmt.Errorf("cannot read the authorities of option %s=%q: %w; it should be a file in PEM form", a.File.Name, a.File.Value, files.Reason(err))
		}
	}
	if a.Data.Value != "" && !pool.AppendCertsFromPEM([]byte(a.Data.Value)) {
		return nil, fmt.Errorf("option %s holds no certificate; it should be text in PEM form", a.Data.Name)
	}
	if a.Directory.Value != "" {
		if err := addDirectory(pool, a.Directory.Value); err != nil {
			return nil, fmt.Errorf("cannot read the authorities of option %s=%q: %w; it should be a directory as `openssl rehash` makes it", a.Directory.Name, a.Directory.Value, err)
		}
	}
	return pool, nil
}

func addFile(pool *x509.CertPool, path string) error {
	text, err := files.ReadSmall(path)
	if err == nil && !pool.AppendCertsFromPEM(text) {
		err = errors.New("it holds no certificate in PEM form")
	}
	return err
}

// hashed is a name under which OpenSSL finds a certificate in a directory.
var hashed = regexp.MustCompile(`^[0-9a-f]{8}\.[0-9]+$`)

// addDirectory adds the certificates that OpenSSL finds in a directory: those
// in files that are named after a hash.
func addDirectory(pool *x509.CertPool, directory string) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return files.Reason(err)
	}
	some := false
	for _, entry := range entries {
		if !hashed.MatchString(entry.Name()) {
			continue
		}
		text, err := files.ReadSmall(filepath.Join(directory, entry.Name()))
		if err != nil {
			return fmt.Errorf("its file %q: %w", entry.Name(), files.Reason(err))
		}
		some = pool.AppendCertsFromPEM(text) || some
	}
	if !some {
		return errors.New("it holds no certificate under the hash of its subject")
	}
	return nil
}
