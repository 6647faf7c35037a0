package jaeger

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	schemeUDP   = "jaeger"
	schemeHTTP  = "jaeger+http"
	schemeHTTPS = "jaeger+https"

	portUDP  = 6831
	portHTTP = 14268
	path     = "api/traces"
)

// examples are the forms of a connection string.
var examples = connstr.Own("jaeger://host:6831, jaeger+http://host:14268 or jaeger+https://user:password@host:14268")

// parse reads a connection string, and returns the sender for its target.
func parse(connectionString string, c config) (sender, config, error) {
	scheme := store.Scheme(connectionString)
	s, o, err := connstr.ParseServer(connectionString)
	if err != nil {
		return nil, c, err
	}
	if s.Host == "" || strings.ContainsAny(s.Host, " \t\r\n,/") {
		return nil, c, o.Safe(fmt.Errorf("the connection string should name one host, and read like %s", examples))
	}
	var made sender
	switch scheme {
	case schemeUDP:
		made, err = parseUDP(&s, o, &c)
	case schemeHTTP, schemeHTTPS:
		made, err = parseHTTP(&s, o, &c, scheme == schemeHTTPS)
	default:
		err = fmt.Errorf("the connection string should read like %s", examples)
	}
	return made, c, o.Safe(err)
}

// readCommon reads the options of both transports.
func readCommon(o *connstr.Options, c *config) {
	o.Text("service_name_prefix", &c.naming.Prefix)
	o.Bool("osp_join_service", &c.naming.Join)
	o.Int("osp_max_message_size", &c.maxMessageSize, leastMessageSize)
	o.Ignore("filter_error_trace") // Jaeger finds failed traces without a record
}

func parseUDP(s *connstr.Server, o *connstr.Options, c *config) (sender, error) {
	readCommon(o, c)
	o.Duration("osp_pause", &c.pause)
	for _, name := range []string{"osp_token", "osp_ca_certs", "osp_client_cert", "osp_client_key", "osp_verify_certs", "osp_timeout"} {
		o.Refuse(name, "UDP has neither TLS, nor accounts, nor answers; the scheme should be jaeger+http or jaeger+https")
	}
	if err := o.Done(); err != nil {
		return nil, err
	}
	switch {
	case s.User != "" || s.Password != "":
		return nil, errors.New("with the scheme jaeger there is no user, because UDP has no accounts; the scheme should be jaeger+http or jaeger+https")
	case s.Database != "":
		return nil, errors.New("with the scheme jaeger there is no path, because it sends by UDP; the scheme should be jaeger+http or jaeger+https")
	case c.maxMessageSize > maxDatagramSize:
		return nil, fmt.Errorf("option osp_max_message_size=%d of the connection string should be at most %d, because it is the size of a datagram", c.maxMessageSize, maxDatagramSize)
	case c.tls != nil || c.token != "":
		return nil, errors.New("WithTLSConfig and WithToken have no effect on UDP; the scheme should be jaeger+http or jaeger+https")
	}
	if c.maxMessageSize == 0 {
		c.maxMessageSize = maxDatagramSize
	}
	return newUDP(address(s, portUDP), c), nil
}

func parseHTTP(s *connstr.Server, o *connstr.Options, c *config, secure bool) (sender, error) {
	readCommon(o, c)
	verify := true
	o.Filled("osp_token", &c.token)
	o.Duration("osp_timeout", &c.timeout)
	o.Bool("osp_verify_certs", &verify)
	o.Refuse("osp_pause", "requests by HTTP have answers, so that no pause is needed")
	t := tlsconfig.Options{
		Authorities: tlsconfig.Authorities{File: o.Named("osp_ca_certs")},
		Certificate: o.Named("osp_client_cert"), Key: o.Named("osp_client_key"),
	}
	if err := o.Done(); err != nil {
		return nil, err
	}
	if c.timeout <= 0 {
		return nil, errors.New("option osp_timeout of the connection string should be more than 0")
	}
	if c.token != "" && (s.User != "" || s.Password != "") {
		return nil, errors.New("the connection string has a user and a token; one of them should be left out")
	}
	if err := checkHeader(s, c.token); err != nil {
		return nil, err
	}
	if !verify {
		t.Verify = tlsconfig.Nothing
	}
	if err := readTLS(&t, c, secure, verify); err != nil {
		return nil, err
	}
	if c.maxMessageSize == 0 {
		c.maxMessageSize = defaultHTTPSize
	}
	return newHTTP(s, address(s, portHTTP), secure, c), nil
}

// checkHeader refuses a user, a password or a token that no header can hold. It quotes
// none of them.
func checkHeader(s *connstr.Server, token string) error {
	switch {
	case strings.Contains(s.User, ":"):
		return errors.New(`the user of the connection string should have no ":", because HTTP ends the user there`)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("the token should have visible ASCII characters only, because it is sent in a header")
	}
	return nil
}

// readTLS sets the TLS configuration, or refuses one without TLS.
func readTLS(t *tlsconfig.Options, c *config, secure, verify bool) (err error) {
	given := t.Authorities.Given() || t.Certificate.Value != "" || t.Key.Value != "" || !verify
	switch {
	case !secure && (given || c.tls != nil):
		return errors.New("the options for TLS have no effect with the scheme jaeger+http; the scheme should be jaeger+https")
	case !secure:
		return nil
	case given && c.tls != nil:
		return errors.New("the connection string has options for TLS, and WithTLSConfig is given; one of them should be left out")
	case t.Authorities.Given() && !verify:
		return errors.New("the connection string has osp_ca_certs and osp_verify_certs=no; one of them should be left out")
	case c.tls != nil:
		return nil
	}
	c.tls, err = t.Config()
	return err
}

// address returns host:port.
func address(s *connstr.Server, standard int) string {
	port := s.Port
	if port == 0 {
		port = standard
	}
	return net.JoinHostPort(s.Host, strconv.Itoa(port))
}
