package tlsconfig

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// A Verification is the extent to which a client verifies the server's certificate.
type Verification int

const (
	// Host verifies that a trusted authority signed the certificate for the host.
	Host Verification = iota
	// Chain verifies that a trusted authority signed the certificate, for
	// any host.
	Chain
	// Nothing accepts every certificate.
	Nothing
)

// VerifyChain makes a client verify that a trusted authority signed the server's
// certificate, but not that the certificate is for the host. The configuration's
// roots must be set before.
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
