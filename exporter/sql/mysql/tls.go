package mysql

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// tlsOptions are those of PyMySQL and of mysqlclient.
type tlsOptions struct {
	mode, ca, cert, key string
	hostname            bool
}

func takeTLS(options *connstr.Options) *tlsOptions {
	t := &tlsOptions{hostname: true}
	options.Text("ssl_mode", &t.mode)
	options.Text("ssl_ca", &t.ca)
	options.Text("ssl_cert", &t.cert)
	options.Text("ssl_key", &t.key)
	options.Bool("ssl_check_hostname", &t.hostname)
	options.Bool("ssl_verify_identity", &t.hostname)
	return t
}

// configure sets how the driver uses TLS. Without ssl_mode it is as with
// PyMySQL where ssl_ca is given, and else as with MySQL's own clients: if the
// server has it, whoever the server is.
func (t *tlsOptions) configure(c *driver.Config, host string) (err error) {
	mode := strings.ToUpper(t.mode)
	switch {
	case mode != "":
	case t.ca != "" && t.hostname:
		mode = "VERIFY_IDENTITY"
	case t.ca != "":
		mode = "VERIFY_CA"
	case t.cert != "":
		mode = "REQUIRED"
	default:
		mode = "PREFERRED"
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	switch mode {
	case "DISABLED":
		return nil
	case "PREFERRED":
		c.AllowFallbackToPlaintext = true
		config.InsecureSkipVerify = true
	case "REQUIRED":
		config.InsecureSkipVerify = true
	case "VERIFY_CA":
		config.InsecureSkipVerify = true // of the name only, see verifyChain
	case "VERIFY_IDENTITY":
	default:
		return fmt.Errorf("ssl_mode=%s should be DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY", t.mode)
	}
	if err := t.load(config); err != nil {
		return err
	}
	if mode == "VERIFY_CA" {
		config.VerifyConnection = verifyChain(config.RootCAs)
	}
	c.TLS = config
	return nil
}

// load reads the certificates.
func (t *tlsOptions) load(config *tls.Config) error {
	if t.ca != "" {
		text, err := os.ReadFile(t.ca)
		if err != nil {
			return fmt.Errorf("ssl_ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("ssl_ca: the file %q holds no certificate in PEM form", t.ca)
		}
	}
	if t.cert == "" && t.key == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(t.cert, t.key)
	if err != nil {
		return fmt.Errorf("ssl_cert and ssl_key: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return nil
}

// verifyChain accepts a server of any name whose certificate one of the roots
// vouches for.
func verifyChain(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
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
