package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// sentinels reads which master is meant, and further sentinels. A redis://
// string with the option sentinel names sentinels, too: that is how OpenStack's
// deployment tools write it.
//
// As upstream has it, the user and the password before the "@" are the
// master's; the sentinels have options of their own.
func (t *target) sentinels(o *connstr.Options) error {
	if t.scheme == schemeSentinel {
		t.client.MasterName = defaultMaster
	}
	o.Text("sentinel_service_name", &t.client.MasterName)
	o.Text("sentinel", &t.client.MasterName)
	o.Text("sentinel_username", &t.client.SentinelUsername)
	o.Text("sentinel_password", &t.client.SentinelPassword)
	fallbacks := o.Each("sentinel_fallback")
	if t.client.MasterName == "" {
		if len(fallbacks) > 0 || t.scheme == schemeSentinel {
			return errors.New("the connection string names sentinels but no master; option sentinel should say which, as in sentinel=mymaster")
		}
		return nil
	}
	if t.scheme == schemeUnix {
		return errors.New("the connection string names a socket and a master of sentinels; sentinels have hosts, as in redissentinel://host:26379")
	}
	for _, host := range fallbacks {
		addr, err := address(host, defaultSentinelPort)
		if err != nil {
			return err
		}
		t.client.Addrs = append(t.client.Addrs, addr)
	}
	return nil
}

// tlsConfig reads the options of the Python client library about TLS. It
// returns nil where TLS is not asked for.
func tlsConfig(o *connstr.Options, on bool) (*tls.Config, error) {
	o.Bool("osp_tls", &on)
	var authority, certificate, key string
	verify, checkHost := "required", true
	o.Text("ssl_ca_certs", &authority)
	o.Text("ssl_certfile", &certificate)
	o.Text("ssl_keyfile", &key)
	o.Text("ssl_cert_reqs", &verify)
	o.Bool("ssl_check_hostname", &checkHost)
	if !on {
		if authority != "" || certificate != "" || key != "" {
			return nil, errors.New("the connection string has options for TLS, but asks for none; it should start with rediss://, or have the option osp_tls=yes")
		}
		return nil, nil //nolint:nilnil // no TLS
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	switch verify {
	case "required":
	case "none", "optional":
		c.InsecureSkipVerify = true // the user says so
	default:
		return nil, fmt.Errorf("option ssl_cert_reqs=%s of the connection string should be required or none", verify)
	}
	if err := trust(c, authority); err != nil {
		return nil, err
	}
	if !checkHost && !c.InsecureSkipVerify {
		withoutHost(c)
	}
	if certificate == "" && key == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("options ssl_certfile=%s and ssl_keyfile=%s of the connection string should name a certificate and its key: %w", certificate, key, err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// trust takes the authorities from a file; without, the system's are trusted.
func trust(c *tls.Config, path string) error {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("option ssl_ca_certs of the connection string names the file %q, which cannot be read: %w", path, backend.Reason(err))
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(text) {
		return fmt.Errorf("option ssl_ca_certs of the connection string names the file %q, which should hold certificates in PEM form", path)
	}
	return nil
}

// withoutHost verifies who signed the certificate, but not for which host.
func withoutHost(c *tls.Config) {
	c.InsecureSkipVerify = true // VerifyConnection does the rest
	c.VerifyConnection = func(state tls.ConnectionState) error {
		options := x509.VerifyOptions{Roots: c.RootCAs, Intermediates: x509.NewCertPool()}
		for _, certificate := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(certificate)
		}
		_, err := state.PeerCertificates[0].Verify(options)
		return err
	}
}
