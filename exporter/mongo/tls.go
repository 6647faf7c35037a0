package mongo

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
)

// tlsNames are the options about TLS: those of MongoDB, of pymongo 3, and of old
// clients in Go.
var tlsNames = []string{
	"tls", "ssl",
	"tlsCAFile", "tlsCertificateKeyFile", "tlsCertificateKeyFilePassword", "tlsCertificateFile", "tlsPrivateKeyFile",
	"tlsInsecure", "tlsAllowInvalidCertificates", "tlsAllowInvalidHostnames", "tlsCRLFile",
	"tlsDisableOCSPEndpointCheck", "tlsDisableCertificateRevocationCheck",
	"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_pem_passphrase", "ssl_cert_reqs", "ssl_match_hostname", "ssl_crlfile",
	"sslInsecure", "sslCertificateAuthorityFile", "sslClientCertificateKeyFile", "sslClientCertificateKeyPassword",
}

// readTLS reads the options about TLS. The configuration is nil without TLS. As in
// pymongo, an option for TLS asks for TLS, and mongodb+srv does.
func (t *target) readTLS(o *connstr.Options) (*tls.Config, error) {
	given := slices.DeleteFunc(append(o.Starting("tls"), o.Starting("ssl")...), func(name string) bool {
		return name == "tls" || name == "ssl" || !slices.Contains(tlsNames, name)
	})
	on, isSet, err := t.asksForTLS(o, len(given) > 0)
	s := takeTLS(o)
	t.readOCSP(o)
	switch {
	case err != nil:
		return nil, err
	case !on && isSet && len(given) > 0:
		return nil, fmt.Errorf("the connection string has options for TLS (%s), but tls=false; one of them should be left out", strings.Join(given, ", "))
	case !on:
		if t.scheme == schemeSRV {
			t.passed.Set("tls", "false")
		}
		return nil, nil //nolint:nilnil // no TLS
	}
	return s.Config()
}

// asksForTLS reads tls and ssl, which mean the same.
func (t *target) asksForTLS(o *connstr.Options, implied bool) (on, isSet bool, err error) {
	on = t.scheme == schemeSRV || implied
	for _, name := range []string{"tls", "ssl"} {
		value := false
		o.Bool(name, &value)
		if _, ok := o.Take(name); !ok {
			continue
		}
		if isSet && value != on {
			return false, true, errors.New("the options tls and ssl of the connection string contradict each other; one of them should be left out")
		}
		on, isSet = value, true
	}
	return on, isSet, nil
}

// takeTLS reads the authorities to trust, the client's certificate, and how far to
// verify the server.
func takeTLS(o *connstr.Options) *tlsconfig.Options {
	s := &tlsconfig.Options{}
	s.Authorities.File = firstNamed(o, "tlsCAFile", "sslCertificateAuthorityFile", "ssl_ca_certs")
	s.Certificate = firstNamed(o, "tlsCertificateKeyFile", "sslClientCertificateKeyFile", "tlsCertificateFile", "ssl_certfile")
	s.Key = firstNamed(o, "tlsPrivateKeyFile", "ssl_keyfile")
	password := firstNamed(o, "tlsCertificateKeyFilePassword", "sslClientCertificateKeyPassword", "ssl_pem_passphrase")
	if s.Certificate.Value != "" || s.Key.Value != "" { // without a certificate, pymongo ignores it
		s.Password = password
	}
	var insecure, anyCertificate, anyHost bool
	o.Bool("tlsInsecure", &insecure)
	o.Bool("sslInsecure", &insecure)
	o.Bool("tlsAllowInvalidCertificates", &anyCertificate)
	o.Bool("tlsAllowInvalidHostnames", &anyHost)
	matchHost := true
	o.Bool("ssl_match_hostname", &matchHost)
	switch reqs, ok := o.Take("ssl_cert_reqs"); strings.ToUpper(reqs) {
	case "CERT_NONE", "NONE", "0":
		anyCertificate = anyCertificate || ok
	case "CERT_REQUIRED", "REQUIRED", "2", "CERT_OPTIONAL", "OPTIONAL", "1": // a server always shows a certificate
	default:
		if ok {
			o.Refuse("ssl_cert_reqs", "it should be CERT_REQUIRED, CERT_OPTIONAL or CERT_NONE")
		}
	}
	for _, name := range []string{"tlsCRLFile", "ssl_crlfile"} {
		o.Refuse(name, "lists of revoked certificates cannot be checked; OCSP is checked if the host name is")
	}
	switch {
	case insecure || anyCertificate:
		s.Verify = tlsconfig.Nothing
	case anyHost || !matchHost:
		s.Verify = tlsconfig.Chain
	}
	return s
}

// firstNamed reads an option with several names. It drops no value: Options.Filled
// reads each name, and two different values are an error.
func firstNamed(o *connstr.Options, options ...string) (first connstr.Option) {
	for _, name := range options {
		one := o.Named(name)
		switch {
		case first.Name == "" || first.Value == "":
			first = one
		case one.Value != "" && one.Value != first.Value:
			o.Refuse(name, "it contradicts "+first.Name+"; one of them should be left out")
		}
	}
	if first.Value == "" {
		first.Name = options[0]
	}
	return first
}

// readOCSP passes on what the client library checks by OCSP.
func (t *target) readOCSP(o *connstr.Options) {
	for _, name := range []string{"tlsDisableOCSPEndpointCheck", "tlsDisableCertificateRevocationCheck"} {
		off := false
		o.Bool(name, &off)
		if _, ok := o.Take(name); ok && off {
			t.passed.Set(name, "true")
		}
	}
}
