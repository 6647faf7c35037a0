package otlp

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"strconv"
	"strings"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	schemeOTLP  = "otlp"
	schemeGRPC  = "otlp+grpc"
	schemeGRPCS = "otlp+grpcs"
	schemeHTTP  = "otlp+http"
	schemeHTTPS = "otlp+https"

	portGRPC = 4317
	portHTTP = 4318

	tracesPath = "/v1/traces"
)

// These words of our errors are not URLs with a password.
var (
	_ = connstr.Own("should start with otlp+grpc://")
	_ = connstr.Own("should start with otlp+grpcs://")
	_ = connstr.Own("should start with otlp+http://")
	_ = connstr.Own("should start with otlp+https://")
)

// A connection sends requests to a target.
type connection interface {
	name() string
	// upload sends one request. An error that is not explained is an answer or an
	// error of the client library.
	upload(ctx context.Context, spans []*tracepb.ResourceSpans) (answer, error)
	close() error
}

// An answer says which part of an accepted request the target did not accept.
type answer struct {
	rejected int64
	message  string
}

// A target has the values of a connection string.
type target struct {
	config
	scheme  string // as the user wrote it, or one of the four others for otlp://
	host    string // host:port
	path    string // of HTTP
	withTLS bool
}

var errClear = errors.New("the end of the password is clear")

// parse reads scheme://[user:password@]host[:port][/path][?options].
func parse(connectionString string, c config, env *environment) (*target, error) {
	scheme := store.Scheme(connectionString)
	// An "@" behind a "?" may end a password or stand in a header. Neither must go to the
	// wrong host.
	_, whole := connstr.Cut(connectionString)
	if unclear := whole.Safe(errClear); !errors.Is(unclear, errClear) {
		return nil, unclear
	}
	server, options, err := connstr.ParseServer(connectionString)
	if err != nil {
		return nil, err
	}
	t := &target{config: c, scheme: scheme}
	if err := t.address(server, env); err != nil {
		return nil, options.Safe(err)
	}
	if err := t.credentials(server); err != nil {
		return nil, err
	}
	return t, options.Safe(t.options(options, env))
}

// address sets the protocol and the address.
func (t *target) address(s connstr.Server, env *environment) (err error) {
	if s.Host == "" && s.Port == 0 && s.Database == "" {
		if t.takesEndpoint(env) {
			return t.endpoint(env)
		}
	}
	if s.Host == "" {
		s.Host = "localhost"
	}
	if t.scheme == schemeOTLP {
		t.scheme = schemeHTTP
		if s.Port == portGRPC || s.Port == 0 && env.protocol == protocolGRPC {
			t.scheme = schemeGRPC
		}
	}
	t.withTLS = t.scheme == schemeGRPCS || t.scheme == schemeHTTPS
	if strings.ContainsAny(s.Host, " \t\r\n\"\\/@") {
		return errors.New("the host of the connection string should be a host and a port, as in collector:4317 or [::1]:4317")
	}
	port := s.Port
	if port == 0 {
		port = portHTTP
		if t.isGRPC() {
			port = portGRPC
		}
	}
	t.host = net.JoinHostPort(s.Host, strconv.Itoa(port))
	return t.setPath(s.Database)
}

func (t *target) isGRPC() bool { return t.scheme == schemeGRPC || t.scheme == schemeGRPCS }

// setPath sets the path of HTTP. As in the Python library's driver, /v1/traces follows
// the path of the connection string. A path that ends so already stays as it is.
func (t *target) setPath(escaped string) error {
	path, err := url.PathUnescape(strings.Trim(escaped, "/"))
	switch {
	case err != nil:
		return errors.New("the path of the connection string holds a percent sign that is no escape; it should be written %25")
	case t.isGRPC() && path != "":
		return fmt.Errorf("the connection string has the path %q, but gRPC has no path; it should be left out, or the connection string should start with otlp+http://", path)
	case path == "":
	case strings.HasSuffix("/"+path, tracesPath):
		path = strings.TrimSuffix("/"+path, tracesPath)
	default:
		path = "/" + path
	}
	t.path = path + tracesPath
	return nil
}

// credentials makes the header of a user and a password.
func (t *target) credentials(s connstr.Server) error {
	if s.User == "" && s.Password == "" {
		return nil
	}
	if strings.Contains(s.User, ":") {
		return errors.New(`the user of the connection string holds a ":", which HTTP's Basic authentication cannot send`)
	}
	t.headers = merged(t.headers, map[string]string{
		"authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(s.User+":"+s.Password)),
	})
	return nil
}

// options reads the options. Those of the connection string come first.
func (t *target) options(o *connstr.Options, env *environment) error {
	o.Text("service_name_prefix", &t.naming.Prefix)
	o.Bool("osp_join_service", &t.naming.Join)
	o.Int("osp_max_message_size", &t.maxMessageSize, leastMessageSize)
	o.Duration("osp_timeout", &t.timeout)
	compression := ""
	o.Text("osp_compression", &compression)
	headers, err := readHeaders(o)
	t.headers = merged(t.headers, headers)
	tlsConfig, tlsErr := t.readTLS(o, env)
	t.tls = tlsConfig
	switch done := o.Done(); {
	case done != nil: // it comes first: it may be why something else cannot be had
		return done
	case err != nil:
		return err
	case tlsErr != nil:
		return tlsErr
	case t.timeout == 0:
		return errors.New("option osp_timeout of the connection string should be more than 0")
	}
	if err := setCompression(&t.config, compression); err != nil {
		return fmt.Errorf("option osp_compression=%s of the connection string %w", compression, err)
	}
	return checkHeaders(t.headers)
}

func setCompression(c *config, text string) error {
	switch text {
	case "":
	case "gzip":
		c.gzip = true
	case "none":
		c.gzip = false
	default:
		return errors.New("should be gzip or none")
	}
	return nil
}

// connection makes the connection. It does not connect.
func (t *target) connection() (connection, error) {
	t.headers = merged(map[string]string{"user-agent": userAgent}, t.headers)
	if t.isGRPC() {
		return newGRPC(t)
	}
	return newHTTP(t)
}

var userAgent = "osprofiler-go/" + osprofiler.Version()

// tlsOf returns the configuration for TLS, or nil.
func (t *target) tlsOf() *tls.Config {
	if !t.withTLS {
		return nil
	}
	return t.tls
}

// merged returns the headers of both. Those of second win. Names are in lower case.
func merged(first, second map[string]string) map[string]string {
	all := maps.Clone(first)
	if all == nil {
		all = map[string]string{}
	}
	for name, value := range second {
		all[strings.ToLower(name)] = value
	}
	return all
}
