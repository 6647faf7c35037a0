package tlsconfig

import (
	"crypto/tls"
	"fmt"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// Options are the TLS settings of a client: which authorities to trust, which
// certificate to show the server, and how far to verify the server's certificate.
// The zero Options trust the system's authorities and verify the server's chain
// and host.
type Options struct {
	Authorities Authorities

	// Certificate and Key are files in PEM form. Key is empty if the key is in the
	// certificate's file.
	Certificate, Key connstr.Option
	// Password decrypts the key. No error shows the password.
	Password connstr.Option

	Verify Verification
	// ServerName is the host that the certificate should be for. If it is empty,
	// the client library sets it to the host that it connects to.
	ServerName string
	// MinVersion is the lowest version of TLS to use. A version below 1.2 is never used.
	MinVersion uint16
}

// Config returns the client's configuration. An error names the options that are
// wrong.
func (o *Options) Config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: max(o.MinVersion, tls.VersionTLS12), ServerName: o.ServerName}
	var err error
	if c.RootCAs, err = o.Authorities.Pool(); err != nil {
		return nil, err
	}
	if c.Certificates, err = o.certificates(); err != nil {
		return nil, err
	}
	switch o.Verify {
	case Host:
	case Chain:
		VerifyChain(c)
	case Nothing:
		c.InsecureSkipVerify = true // the user says so
	default:
		return nil, fmt.Errorf("no such verification: %d", o.Verify)
	}
	return c, nil
}

// certificates reads the client's own certificate, if there is one.
func (o *Options) certificates() ([]tls.Certificate, error) {
	switch {
	case o.Certificate.Value != "":
	case o.Key.Value != "":
		return nil, fmt.Errorf("option %s of the connection string is given without %s, which should name the certificate of this key", text(o.Key), o.Certificate.Name)
	case o.Password.Value != "":
		return nil, fmt.Errorf("option %s of the connection string is given without a key to decrypt: %s should name the certificate and the key", o.Password.Name, o.keyOptions())
	default:
		return nil, nil
	}
	pair, err := KeyPair(o.Certificate.Value, o.Key.Value, o.Password.Value)
	if err != nil {
		return nil, fmt.Errorf("%s of the connection string should name a certificate and its key: %w", o.keyOptions(), err)
	}
	return []tls.Certificate{pair}, nil
}

// keyOptions names the options of the certificate and of the key, which may be
// one option.
func (o *Options) keyOptions() string {
	if o.Key.Name == "" || o.Key.Name == o.Certificate.Name {
		return "option " + text(o.Certificate)
	}
	return "options " + text(o.Certificate) + " and " + text(o.Key)
}

// text writes an option as a connection string does.
func text(o connstr.Option) string {
	if o.Value == "" {
		return o.Name
	}
	return o.Name + "=" + o.Value
}
