package elasticsearch

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
)

// readTLS reads the options for TLS. They are the options of the Python client of
// Elasticsearch. If the scheme does not ask for TLS, the configuration is nil, and
// options for TLS are an error.
func readTLS(o *connstr.Options, on bool) (*tls.Config, error) {
	var given []string
	for _, name := range []string{"ca_certs", "client_cert", "client_key", "verify_certs"} {
		if slices.Contains(o.Starting(name), name) {
			given = append(given, name)
		}
	}
	given = append(given, o.Starting("ssl_")...)
	s := tlsconfig.Options{Authorities: tlsconfig.Authorities{File: o.Named("ca_certs")}, Certificate: o.Named("client_cert"), Key: o.Named("client_key")}
	verify, checkHost := true, true
	o.Bool("verify_certs", &verify)
	o.Bool("ssl_assert_hostname", &checkHost)
	var ignored bool
	o.Bool("ssl_show_warn", &ignored)
	o.Refuse("ssl_assert_fingerprint", "ca_certs names the file with the certificate to trust")
	switch {
	case !on && len(given) > 0:
		return nil, fmt.Errorf("the connection string has options for TLS (%s), but asks for none; its scheme should end with +https", strings.Join(given, ", "))
	case !on:
		return nil, nil //nolint:nilnil // no TLS
	case !verify && s.Authorities.Given():
		return nil, errors.New("the connection string has ca_certs and verify_certs=no; one of them should be left out")
	case !verify:
		s.Verify = tlsconfig.Nothing
	case !checkHost:
		s.Verify = tlsconfig.Chain
	}
	return s.Config()
}
