package otlp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
)

// readTLS reads the options for TLS. Without TLS they are an error. The environment's
// certificates are taken where the connection string names none.
func (t *target) readTLS(o *connstr.Options, env *environment) (*tls.Config, error) {
	s := tlsconfig.Options{
		Authorities: tlsconfig.Authorities{File: o.Named("osp_ca_certs")},
		Certificate: o.Named("osp_client_cert"), Key: o.Named("osp_client_key"), Password: o.Named("osp_client_key_password"),
	}
	verify := true
	o.Bool("osp_verify_certs", &verify)
	o.Filled("osp_server_name", &s.ServerName)
	var given []string
	for _, name := range []string{"osp_ca_certs", "osp_client_cert", "osp_client_key", "osp_client_key_password", "osp_verify_certs", "osp_server_name"} {
		if _, ok := o.Take(name); ok {
			given = append(given, name)
		}
	}
	switch {
	case !t.withTLS && len(given) > 0:
		return nil, fmt.Errorf("the connection string has options for TLS (%s), but asks for none; its scheme should be otlp+grpcs or otlp+https", strings.Join(given, ", "))
	case !t.withTLS:
		return nil, nil //nolint:nilnil // no TLS
	case t.tls != nil && len(given) > 0:
		return nil, fmt.Errorf("the program sets the TLS configuration, and the connection string has options for TLS (%s); they should be left out", strings.Join(given, ", "))
	case t.tls != nil:
		return t.tls.Clone(), nil
	case !verify && s.Authorities.Given():
		return nil, errors.New("the connection string has osp_ca_certs and osp_verify_certs=no; one of them should be left out")
	case !verify:
		s.Verify = tlsconfig.Nothing
	case !s.Authorities.Given():
		s.Authorities.File = env.authorities
	}
	if s.Certificate.Value == "" && s.Key.Value == "" {
		s.Certificate, s.Key = env.certificate, env.key
	}
	return s.Config()
}
