package redis

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
)

// tlsOptions are the options of redis-py about TLS. See the class
// redis.connection.SSLConnection.
type tlsOptions struct {
	tlsconfig.Options

	on         bool
	verify     string
	checkHost  bool
	minVersion string
}

// tls reads the options about TLS. The configuration is nil if the connection
// string does not ask for TLS. Options for TLS are an error then, as in
// redis-py. One configuration serves the sentinels and the masters that they
// name. The client library verifies each of them by the host that it connects
// to.
func (t *target) tls(o *connstr.Options) (*tls.Config, error) {
	given := o.Starting("ssl_")
	s := takeTLS(o)
	s.on = t.scheme == schemeTLS
	o.Bool("osp_tls", &s.on)
	ssl := s.on
	o.Bool("ssl", &ssl) // of other clients of OpenStack, such as tooz
	_, isAsked := o.Take("osp_tls")
	switch {
	case isAsked && ssl != s.on:
		return nil, errors.New("the options osp_tls and ssl of the connection string contradict each other; one of them should be left out")
	case ssl != s.on:
		s.on = ssl
	}
	switch {
	case t.scheme == schemeTLS && !s.on:
		return nil, errors.New("the connection string starts with rediss://, but has the option osp_tls=no or ssl=no; one of them should be left out")
	case t.scheme == schemeUnix && (s.on || len(given) > 0):
		return nil, errors.New("the connection string names a socket and has options for TLS, which a socket does not speak; they should be left out")
	case !s.on && len(given) > 0:
		return nil, fmt.Errorf("the connection string has options for TLS (%s), but asks for none; it should start with rediss://, or have the option osp_tls=yes", strings.Join(given, ", "))
	case !s.on:
		return nil, nil //nolint:nilnil // no TLS
	}
	return s.config()
}

func takeTLS(o *connstr.Options) *tlsOptions {
	s := &tlsOptions{verify: "required", checkHost: true}
	s.Authorities.File = o.Named("ssl_ca_certs")
	s.Authorities.Directory = o.Named("ssl_ca_path")
	s.Authorities.Data = o.Named("ssl_ca_data")
	s.Certificate, s.Key = o.Named("ssl_certfile"), o.Named("ssl_keyfile")
	if password, _ := o.Take("ssl_password"); s.Certificate.Value != "" { // without a certificate, redis-py ignores it
		s.Password = connstr.Option{Name: "ssl_password", Value: password}
	}
	o.Text("ssl_cert_reqs", &s.verify)
	o.BoolAs("ssl_check_hostname", &s.checkHost, "false", "no", "0", "f", "n") // redis-py takes any other word for true
	o.Text("ssl_min_version", &s.minVersion)
	for _, name := range []string{"ssl_validate_ocsp", "ssl_validate_ocsp_stapled"} {
		if text, ok := o.Take(name); ok && !strings.EqualFold(text, "false") {
			o.Refuse(name, "the server's certificate cannot be checked by OCSP")
		}
	}
	o.Refuse("ssl_ocsp_context", "the server's certificate cannot be checked by OCSP")
	o.Refuse("ssl_ocsp_expected_cert", "the server's certificate cannot be checked by OCSP")
	o.Refuse("ssl_ciphers", "Go chooses the ciphers, all of which are safe; ssl_min_version=772 allows TLS 1.3 only")
	for _, name := range []string{"ssl_include_verify_flags", "ssl_exclude_verify_flags"} {
		o.Refuse(name, "flags of OpenSSL have no meaning here")
	}
	return s
}

// config makes the configuration for the client library.
func (s *tlsOptions) config() (_ *tls.Config, err error) {
	if s.MinVersion, err = s.version(); err != nil {
		return nil, err
	}
	switch s.verify {
	case "required", "optional": // a server always shows a certificate, so a client verifies it in both cases
		if !s.checkHost {
			s.Verify = tlsconfig.Chain
		}
	case "none":
		s.Verify = tlsconfig.Nothing
	default:
		return nil, fmt.Errorf("option ssl_cert_reqs=%s of the connection string should be required or none (optional, in a client, means required)", s.verify)
	}
	return s.Config()
}

// version reads ssl_min_version, a number of Python's ssl.TLSVersion. The
// numbers of TLS 1.0 and 1.1 select 1.2, which is the oldest version that we
// speak.
func (s *tlsOptions) version() (uint16, error) {
	switch n, err := strconv.Atoi(cmp.Or(s.minVersion, "771")); {
	case err != nil || n < tls.VersionTLS10 || n > tls.VersionTLS13:
		return 0, fmt.Errorf("option ssl_min_version=%s of the connection string should be 771 for TLS 1.2 or 772 for TLS 1.3", s.minVersion)
	default:
		return uint16(max(n, tls.VersionTLS12)), nil
	}
}
