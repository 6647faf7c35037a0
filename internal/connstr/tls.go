package connstr

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Authorities are the certificates that a connection string says to trust. If
// it names none, the system's are trusted; if it names some, only those.
type Authorities struct {
	File      Option // a file in PEM form
	Directory Option // a directory as `openssl rehash` makes it
	Data      Option // text in PEM form
}

// An Option is the name of an option, and its value, which is empty if the
// option is missing.
type Option struct{ Name, Value string }

// Given tells whether the connection string names authorities.
func (a *Authorities) Given() bool {
	return a.File.Value != "" || a.Directory.Value != "" || a.Data.Value != ""
}

// Pool reads the certificates; nil stands for the system's. The error names the
// option that is wrong.
func (a *Authorities) Pool() (*x509.CertPool, error) {
	if !a.Given() {
		return nil, nil //nolint:nilnil // nil are the system's
	}
	pool := x509.NewCertPool()
	if a.File.Value != "" {
		if err := addFile(pool, a.File.Value); err != nil {
			return nil, fmt.Errorf("cannot read the authorities of option %s=%q: %w; it should be a file in PEM form", a.File.Name, a.File.Value, reasonOf(err))
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
	text, err := ReadFile(path)
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
		return reasonOf(err)
	}
	some := false
	for _, entry := range entries {
		if !hashed.MatchString(entry.Name()) {
			continue
		}
		text, err := ReadFile(filepath.Join(directory, entry.Name()))
		if err != nil {
			return fmt.Errorf("its file %q: %w", entry.Name(), reasonOf(err))
		}
		some = pool.AppendCertsFromPEM(text) || some
	}
	if !some {
		return errors.New("it holds no certificate under the hash of its subject")
	}
	return nil
}

// KeyPair reads a client's own certificate and its key, which may stand in the
// certificate's file; key is "" then. The password is only needed for a key
// that is encrypted. No error shows it.
func KeyPair(certificate, key, password string) (tls.Certificate, error) {
	if certificate == "" {
		return tls.Certificate{}, errors.New("a key is given without its certificate")
	}
	if key == "" {
		key = certificate
	}
	chain, err := ReadFile(certificate)
	if err != nil {
		return tls.Certificate{}, err
	}
	text, err := ReadFile(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	if text, err = decrypted(text, password); err != nil {
		return tls.Certificate{}, fmt.Errorf("the key in %q %w", key, err)
	}
	return tls.X509KeyPair(chain, text)
}

// decrypted returns the text with its key decrypted.
func decrypted(text []byte, password string) ([]byte, error) {
	for rest := text; ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		switch {
		case block == nil:
			return text, nil
		case block.Type == "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("is encrypted in PKCS#8 form, which is not supported; `openssl pkey -in key.pem -out plain.pem` decrypts it")
		case !strings.HasSuffix(block.Type, "PRIVATE KEY") || !x509.IsEncryptedPEMBlock(block): //nolint:staticcheck // OpenSSL reads this form, too
			continue
		}
		der, err := x509.DecryptPEMBlock(block, []byte(password)) //nolint:staticcheck // as above
		if err != nil {
			return nil, errors.New("is encrypted, and the password does not decrypt it")
		}
		return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}), nil
	}
}

// VerifyChain makes a client verify who signed the server's certificate, but
// not for which host. The configuration's roots must be set before.
func VerifyChain(c *tls.Config) {
	roots := c.RootCAs
	c.InsecureSkipVerify = true // VerifyConnection does the rest
	c.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the server showed no certificate")
		}
		between := x509.NewCertPool()
		for _, certificate := range state.PeerCertificates[1:] {
			between.AddCert(certificate)
		}
		_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
		return err
	}
}
