package otlpreceiver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The defaults of the options of a connection string.
const (
	defaultMaxMessage     = 4 << 20
	defaultMaxMemory      = 256 << 20
	defaultMaxConnections = 256
	defaultMaxRequests    = 1024
	defaultWait           = 5 * time.Second
	defaultReadTimeout    = 30 * time.Second
	defaultIdleTimeout    = 2 * time.Minute
)

// tracesPath is the path of the trace service in OTLP/HTTP.
const tracesPath = "/v1/traces"

// A config is the configuration from a connection string and options.
type config struct {
	grpc    bool
	address string      // host:port
	path    string      // of HTTP
	tls     *tls.Config // nil for plain text
	token   string      // empty if clients need none

	maxMessage, maxMemory       int // bytes
	maxConnections, maxRequests int
	maxAddressConnections       int           // at most maxConnections, which is the default
	wait                        time.Duration // for the targets
	readTimeout, idleTimeout    time.Duration

	log        *slog.Logger
	conversion []convert.Option
}

// schemes are the schemes that Handles accepts, and whether each is gRPC and TLS.
var schemes = map[string]struct{ grpc, tls bool }{
	"otlp+grpc":  {grpc: true},
	"otlp+grpcs": {grpc: true, tls: true},
	"otlp+http":  {},
	"otlp+https": {tls: true},
}

// Handles reports whether [Open] opens the connection string, by its scheme.
func Handles(connectionString string) bool {
	_, ok := schemes[store.Scheme(connectionString)]
	return ok
}

// parse parses a connection string. The error shows no token.
func parse(connectionString string, opts []Option) (*config, error) {
	connectionString = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(connectionString), "\uFEFF"))
	scheme := store.Scheme(connectionString)
	kind, ok := schemes[scheme]
	if !ok {
		return nil, store.BadConnectionString(fmt.Errorf("no OTLP receiver has the scheme %q; it should be otlp+grpc, otlp+grpcs, otlp+http or otlp+https", scheme))
	}
	c := &config{
		grpc:       kind.grpc,
		maxMessage: defaultMaxMessage, maxMemory: defaultMaxMemory,
		maxConnections: defaultMaxConnections, maxRequests: defaultMaxRequests,
		wait: defaultWait, readTimeout: defaultReadTimeout, idleTimeout: defaultIdleTimeout,
		log: slog.Default(),
	}
	connectionString, anyPort := cutPortZero(connectionString)
	server, o, err := connstr.ParseServer(connectionString)
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	if err := errors.Join(c.setAddress(server), c.setOptions(o, kind.tls)); err != nil {
		return nil, store.BadConnectionString(o.Safe(err))
	}
	if anyPort {
		c.address = strings.TrimRight(c.address, "0123456789") + "0"
	}
	for _, opt := range opts {
		opt.apply(c)
	}
	return c, nil
}

// cutPortZero removes the port 0, which stands for any free port, from a connection
// string.
func cutPortZero(connectionString string) (rest string, found bool) {
	end := len(connectionString)
	scheme := strings.Index(connectionString, "://") + len("://")
	if i := strings.IndexAny(connectionString[scheme:], "/?"); i >= 0 {
		end = scheme + i
	}
	address, found := strings.CutSuffix(connectionString[:end], ":0")
	return address + connectionString[end:], found
}

// setAddress sets address and path. Without a host it selects the loopback interface.
func (c *config) setAddress(server connstr.Server) error {
	if server.User != "" || server.Password != "" {
		return errors.New("the connection string of an OTLP receiver has a user or a password; it should have option osp_token_file, osp_token_env or osp_token instead")
	}
	host, port := server.Host, server.Port
	if host == "" {
		host = "127.0.0.1"
	}
	if port == 0 {
		port = 4318
		if c.grpc {
			port = 4317
		}
	}
	c.address = net.JoinHostPort(host, fmt.Sprint(port))
	c.path = tracesPath
	if server.Database != "" {
		c.path = "/" + server.Database
	}
	if c.grpc && server.Database != "" {
		return fmt.Errorf("the connection string has the path %q; gRPC has none", c.path)
	}
	return nil
}

func (c *config) setOptions(o *connstr.Options, withTLS bool) error {
	o.Int("osp_max_message_size", &c.maxMessage, 1)
	o.Int("osp_max_memory", &c.maxMemory, 1)
	o.Int("osp_max_connections", &c.maxConnections, 1)
	o.Int("osp_max_address_connections", &c.maxAddressConnections, 1)
	o.Int("osp_max_requests", &c.maxRequests, 1)
	o.Duration("osp_wait", &c.wait)
	o.Duration("osp_read_timeout", &c.readTimeout)
	o.Duration("osp_idle_timeout", &c.idleTimeout)
	tokenErr := errors.Join(c.setToken(o), c.checkToken())
	tlsErr := c.setTLS(o, withTLS)
	plain := false
	o.Bool("osp_plaintext_token", &plain)
	if err := o.Done(); err != nil {
		return err
	}
	if err := errors.Join(tokenErr, tlsErr); err != nil {
		return err
	}
	if c.wait <= 0 || c.readTimeout <= 0 || c.idleTimeout <= 0 {
		return errors.New("osp_wait, osp_read_timeout and osp_idle_timeout of the connection string should be more than 0")
	}
	if c.maxAddressConnections == 0 || c.maxAddressConnections > c.maxConnections {
		c.maxAddressConnections = c.maxConnections
	}
	if least := memoryFactor * c.maxMessage; c.maxMemory < least {
		return fmt.Errorf("osp_max_memory=%d of the connection string is too small for one message; it should be at least %d, which is %d times osp_max_message_size", c.maxMemory, least, memoryFactor)
	}
	if c.token != "" && c.tls == nil && !plain && !isLoopback(c.address) {
		return fmt.Errorf("the token would be sent to %s in plain text; use the scheme otlp+https or otlp+grpcs, or set osp_plaintext_token=true if something in front of the receiver decrypts", c.address)
	}
	return nil
}

// limitsAddresses reports whether one address may have fewer than all connections.
func (c *config) limitsAddresses() bool { return c.maxAddressConnections < c.maxConnections }

// isLoopback reports whether only this machine can connect to an address.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
