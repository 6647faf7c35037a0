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
	File      string // a file in PEM form
	Directory string // a directory as `openssl rehash` makes it
	Data      string // text in PEM form
}

// Pool reads the certificates; nil stands for the system's.
func (a Authorities) Pool() (*x509.CertPool, error) {
	if a == (Authorities{}) {
		return nil, nil //nolint:nilnil // nil are the system's
	}
	pool := x509.NewCertPool()
	if a.File != "" {
		text, err := ReadFile(a.File)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("the file %q holds no certificate in PEM form", a.File)
		}
	}
	if a.Data != "" && !pool.AppendCertsFromPEM([]byte(a.Data)) {
		return nil, errors.New("the text holds no certificate in PEM form")
	}
	if a.Directory != "" {
		return pool, addDirectory(pool, a.Directory)
	}
	return pool, nil
}

// hashed is a name under which OpenSSL finds a certificate in a directory.
var hashed = regexp.MustCompile(`^[0-9a-f]{8}\.[0-9]+$`)

// addDirectory adds the certificates that OpenSSL finds in a directory: those
// in files that are named after a hash.
func addDirectory(pool *x509.CertPool, directory string) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return err
	}
	some := false
	for _, entry := range entries {
		if !hashed.MatchString(entry.Name()) {
			continue
		}
		text, err := ReadFile(filepath.Join(directory, entry.Name()))
		if err != nil {
			return err
		}
		some = pool.AppendCertsFromPEM(text) || some
	}
	if !some {
		return fmt.Errorf("the directory %q holds no certificate under the hash of its subject; `openssl rehash` makes these names", directory)
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
