package tlsconfig

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// KeyPair reads a client's own certificate and its key. key is "" if the key is in the
// certificate's file. Only an encrypted key needs the password. No error shows the
// password.
func KeyPair(certificate, key, password string) (tls.Certificate, error) {
	if certificate == "" {
		return tls.Certificate{}, errors.New("a key is given without its certificate")
	}
	if key == "" {
		key = certificate
	}
	chain, err := files.ReadSmall(certificate)
	if err != nil {
		return tls.Certificate{}, err
	}
	text, err := files.ReadSmall(key)
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
