package otlp

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// The protocols of OTEL_EXPORTER_OTLP_PROTOCOL.
const (
	protocolGRPC = "grpc"
	protocolHTTP = "http/protobuf"
)

// An environment has the variables OTEL_EXPORTER_OTLP_* that the connection string
// decides about. https://opentelemetry.io/docs/specs/otel/protocol/exporter/ defines
// them.
type environment struct {
	endpoint         variable
	insecure         variable
	protocol         string
	isTracesEndpoint bool // of OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, which has the whole path
	authorities      connstr.Option
	certificate, key connstr.Option
}

// A variable is an environment variable that has a value.
type variable struct{ name, value string }

// lookup returns the variable for traces, or the one for all signals. An empty
// variable counts as unset.
func lookup(name string) variable {
	for _, full := range []string{"OTEL_EXPORTER_OTLP_TRACES_" + name, "OTEL_EXPORTER_OTLP_" + name} {
		if value := strings.TrimSpace(os.Getenv(full)); value != "" {
			return variable{full, value}
		}
	}
	return variable{}
}

func (v variable) wrong(right string) error {
	return fmt.Errorf("the environment variable %s=%s should be %s", v.name, v.value, right)
}

func (v variable) option() connstr.Option { return connstr.Option{Name: v.name, Value: v.value} }

// readEnvironment reads the variables. Headers, compression and timeout are set in the
// config.
func readEnvironment(c *config) (*environment, error) {
	env := &environment{
		endpoint: lookup("ENDPOINT"), insecure: lookup("INSECURE"),
		authorities: lookup("CERTIFICATE").option(), certificate: lookup("CLIENT_CERTIFICATE").option(), key: lookup("CLIENT_KEY").option(),
	}
	env.isTracesEndpoint = strings.HasSuffix(env.endpoint.name, "_TRACES_ENDPOINT")
	switch v := lookup("PROTOCOL"); v.value {
	case "", protocolGRPC, protocolHTTP:
		env.protocol = v.value
	case "http/json": // the same servers take protobuf
		env.protocol = protocolHTTP
	default:
		return nil, v.wrong("grpc, http/protobuf or http/json")
	}
	if v := lookup("COMPRESSION"); setCompression(c, v.value) != nil {
		return nil, v.wrong("gzip or none")
	}
	if v := lookup("TIMEOUT"); v.value != "" {
		ms, err := strconv.ParseUint(v.value, 10, 31)
		if err != nil || ms == 0 {
			return nil, v.wrong("a number of milliseconds, at least 1")
		}
		c.timeout = time.Duration(ms) * time.Millisecond
	}
	headers, err := environmentHeaders(lookup("HEADERS"))
	c.headers = merged(c.headers, headers)
	return env, err
}

// environmentHeaders reads name=value,name=value with percent escapes. No error shows
// a value, which may be a secret.
func environmentHeaders(v variable) (map[string]string, error) {
	headers := map[string]string{}
	for pair := range strings.SplitSeq(v.value, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		name, err := url.PathUnescape(strings.TrimSpace(name))
		value, err2 := url.PathUnescape(strings.TrimSpace(value))
		if !ok || err != nil || err2 != nil || name == "" {
			return nil, fmt.Errorf("the environment variable %s should be a list like name=value,name=value with percent escapes", v.name)
		}
		headers[strings.ToLower(name)] = value
	}
	return headers, nil
}

// This text is not a URL with a password.
var urlHint = connstr.Own("http://collector:4318 or https://collector:4317")

// takesEndpoint reports whether the environment names the target of a connection
// string without a host.
func (t *target) takesEndpoint(env *environment) bool { return env.endpoint.value != "" }

// endpoint sets the target that the environment names. A scheme of the connection
// string other than otlp:// must agree with it.
func (t *target) endpoint(env *environment) error {
	v := env.endpoint
	text, err := env.withScheme()
	if err != nil {
		return err
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "http" && u.Scheme != "https" {
		// The value is not quoted, because it may hold a password.
		return fmt.Errorf("the environment variable %s should be a URL such as %s, without a user", v.name, urlHint)
	}
	overTLS := u.Scheme == "https"
	protocol := t.environmentProtocol(env, u.Port())
	switch {
	case t.scheme == schemeOTLP:
		t.scheme = map[bool]string{false: protocol, true: protocol + "s"}[overTLS]
	case overTLS != (t.scheme == schemeGRPCS || t.scheme == schemeHTTPS):
		return fmt.Errorf("the environment variable %s=%s and the scheme of the connection string, %s, should agree about TLS", v.name, v.value, t.scheme)
	}
	t.withTLS = overTLS
	port := u.Port()
	if port == "" {
		port = map[bool]string{false: strconv.Itoa(portHTTP), true: strconv.Itoa(portGRPC)}[t.isGRPC()]
		if !t.isGRPC() { // a URL of HTTP has HTTP's ports
			port = map[bool]string{false: "80", true: "443"}[overTLS]
		}
	}
	t.host = net.JoinHostPort(u.Hostname(), port)
	t.path = strings.TrimSuffix(u.Path, "/")
	switch {
	case env.isTracesEndpoint && u.Path == "":
		t.path = "/"
	case env.isTracesEndpoint:
		t.path = u.Path
	default:
		t.path += tracesPath
	}
	return nil
}

// withScheme returns the endpoint with a scheme. OTEL_EXPORTER_OTLP_INSECURE decides
// about one without a scheme, such as collector:4317.
func (e *environment) withScheme() (string, error) {
	if strings.Contains(e.endpoint.value, "://") {
		return e.endpoint.value, nil
	}
	switch strings.ToLower(e.insecure.value) {
	case "", "false":
		return "https://" + e.endpoint.value, nil
	case "true":
		return "http://" + e.endpoint.value, nil
	}
	return "", e.insecure.wrong("true or false")
}

// environmentProtocol returns the scheme without TLS of the protocol that the
// environment names. Without one, port 4317 is gRPC, as everywhere in this package.
func (t *target) environmentProtocol(env *environment, port string) string {
	if env.protocol == protocolGRPC || env.protocol == "" && port == strconv.Itoa(portGRPC) {
		return schemeGRPC
	}
	return schemeHTTP
}
