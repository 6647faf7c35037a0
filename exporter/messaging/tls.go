package messaging

import (
	"crypto/fips140"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
)

// readTLS reads the TLS options. The configuration is nil without TLS. Its ServerName is
// empty, because a client sets the host that it connects to.
func readTLS(t *transport, o *connstr.Options) (*tls.Config, error) {
	var s tlsOptions
	var err error
	if t.broker == brokerKafka {
		s.given = o.Starting("ssl_")
		err = s.readKafka(o)
	} else {
		s.given = o.Starting("ssl_")
		s.on = t.withTLS
		err = s.readRabbit(o)
	}
	switch {
	case err != nil:
		return nil, err
	case t.withTLS && !s.on:
		return nil, fmt.Errorf("the transport URL begins with %s, but has the option ssl=false; one of them should be left out", t.scheme)
	case !s.on && len(s.given) > 0:
		return nil, fmt.Errorf("the transport URL has options for TLS (%s), but asks for none; it should have the option %s", strings.Join(s.given, ", "), s.ask)
	case !s.on:
		return nil, nil //nolint:nilnil // no TLS
	}
	return s.Config()
}

type tlsOptions struct {
	tlsconfig.Options

	on    bool
	given []string
	ask   string // the option that asks for TLS
}

// readRabbit reads the options of oslo.messaging's driver for RabbitMQ. That driver verifies
// nothing if there is no ssl_ca_file. Here the certificate authorities of the system are used
// instead. With osp_tls_verify=none, nothing is verified.
func (s *tlsOptions) readRabbit(o *connstr.Options) error {
	s.ask = "ssl=true"
	o.Bool("ssl", &s.on)
	s.Authorities.File = o.Named("ssl_ca_file")
	s.Certificate, s.Key = o.Named("ssl_cert_file"), o.Named("ssl_key_file")
	checkHost, fips := true, false
	o.Bool("ssl_enforce_hostname_verification", &checkHost)
	if !checkHost {
		s.Verify = tlsconfig.Chain
	}
	o.Bool("ssl_enforce_fips_mode", &fips)
	if fips && !fips140.Enabled() {
		return errors.New("option ssl_enforce_fips_mode=true of the transport URL needs a program in FIPS mode (GODEBUG=fips140=on)")
	}
	if version, ok := o.Take("ssl_version"); ok {
		switch strings.ToLower(version) {
		case "", "tlsv1", "tlsv1_1", "tlsv1_2", "sslv23": // TLS 1.2 is the oldest version that we use
		default:
			return fmt.Errorf("option ssl_version=%s of the transport URL should be TLSv1_2, or be left out", version)
		}
	}
	return s.readVerify(o)
}

// readKafka reads the options of oslo.messaging's driver for Kafka.
func (s *tlsOptions) readKafka(o *connstr.Options) error {
	s.ask = "security_protocol=SSL or SASL_SSL"
	protocol := "PLAINTEXT"
	o.Filled("security_protocol", &protocol)
	switch strings.ToUpper(protocol) {
	case "PLAINTEXT", "SASL_PLAINTEXT":
	case "SSL", "SASL_SSL":
		s.on = true
	default:
		return fmt.Errorf("option security_protocol=%s of the transport URL should be PLAINTEXT, SASL_PLAINTEXT, SSL or SASL_SSL", protocol)
	}
	s.Authorities.File = o.Named("ssl_cafile")
	s.Certificate, s.Key = o.Named("ssl_client_cert_file"), o.Named("ssl_client_key_file")
	s.Password = o.Named("ssl_client_key_password")
	return s.readVerify(o)
}

// readVerify reads our own option, which sets how far the broker is verified.
func (s *tlsOptions) readVerify(o *connstr.Options) error {
	verify, ok := o.Take("osp_tls_verify")
	if !ok {
		return nil
	}
	s.given = append(s.given, "osp_tls_verify")
	switch strings.ToLower(verify) {
	case "host":
		s.Verify = tlsconfig.Host
	case "chain":
		s.Verify = tlsconfig.Chain
	case "none":
		s.Verify = tlsconfig.Nothing
	default:
		return fmt.Errorf("option osp_tls_verify=%s of the connection string should be host, chain or none", verify)
	}
	return nil
}
