package loginsight

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
)

// The defaults of a Client. The first three are those of Python's LogInsightClient.
const (
	DefaultAPIPort      = 9000
	DefaultAPISSLPort   = 9543
	DefaultQueryTimeout = time.Minute
	// DefaultTimeout leaves a busy server enough time to accept a batch.
	DefaultTimeout = 30 * time.Second
)

// AgentID is the id with which the Python library sends events, and this Client.
const AgentID = "F52D775B-6017-4787-8C8A-F21AE0AEC057"

// A ClientConfig says where a Log Insight server is, and how to connect to it. Sending
// events needs only Host. Queries also need a user.
type ClientConfig struct {
	// Host is a name or an address without a port. An IPv6 address may have
	// brackets.
	Host               string
	Username, Password string
	// Provider says who knows the user: Local, ActiveDirectory or vIDM. Empty sends
	// no provider, as the Python library does, and Local if the server requires one.
	Provider string

	// APIPort is the port for HTTP, which is only used with PlainIngestion. APISSLPort
	// is the port for HTTPS. The value 0 stands for 9000 and 9543, respectively.
	APIPort, APISSLPort int
	// QueryTimeout is how long the server may work on a query. 0 stands for a
	// minute.
	QueryTimeout time.Duration
	// Timeout is how long to wait for an answer. A query may take QueryTimeout
	// longer. 0 stands for 30 seconds.
	Timeout time.Duration

	// TLS is the configuration for HTTPS. nil trusts the system's authorities and
	// verifies the server.
	TLS *tls.Config
	// PlainIngestion sends events by HTTP to APIPort, as the Python library does.
	// Everybody on the way can then read and change them. Sessions and passwords
	// never go this way.
	PlainIngestion bool
}

// A Client talks to the REST API of a Log Insight server, version v1, as Python's
// LogInsightClient does: it logs in, keeps the session, sends events and queries
// them. Its methods may be called from many goroutines at once. Making a Client
// does not connect.
//
// An answer of the server that says that a request failed is an error with an
// [*APIError] in its chain. No error shows a password or a session. Redirects are
// not followed.
type Client struct {
	config ClientConfig
	host   string // with brackets, if needed
	http   *http.Client
	close  func()
	server neterr.Server

	session sessionKeeper
	// sendsSession says that the server takes events only with a session.
	sendsSession atomic.Bool
}

// NewClient returns a Client. The error says what is wrong with the configuration.
func NewClient(c ClientConfig) (*Client, error) {
	set(&c.APIPort, DefaultAPIPort)
	set(&c.APISSLPort, DefaultAPISSLPort)
	set(&c.QueryTimeout, DefaultQueryTimeout)
	set(&c.Timeout, DefaultTimeout)
	host, err := hostOf(c.Host)
	if err != nil {
		return nil, err
	}
	for _, port := range []int{c.APIPort, c.APISSLPort} {
		if port < 1 || port > 65535 {
			return nil, errors.New("a port of Log Insight should be a number from 1 to 65535")
		}
	}
	if c.TLS == nil {
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	client := &Client{config: c, host: host, session: newSessionKeeper()}
	client.server = neterr.Server{
		Name: "Log Insight at " + host, Timeout: c.Timeout, TimeoutOption: "osp_timeout",
		Without: "only events can be sent, with osp_plain_ingestion=yes", Trust: "osp_ca_certs names the file with the authority to trust",
	}
	transport := client.transport()
	client.close = transport.CloseIdleConnections
	client.http = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, nil
}

// set replaces a value of 0 by the default.
func set[T comparable](value *T, standard T) {
	var zero T
	if *value == zero {
		*value = standard
	}
}

// dialTimeout is how long to wait for a connection.
const dialTimeout = 10 * time.Second

func (c *Client) transport() *http.Transport {
	patience := min(c.config.Timeout, dialTimeout)
	dialer := &net.Dialer{Timeout: patience, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: c.config.TLS.Clone(), TLSHandshakeTimeout: patience,
		MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute,
	}
}

// hostOf returns a host in the form that a URL needs.
func hostOf(host string) (string, error) {
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if address, err := netip.ParseAddr(bare); err == nil && address.Is6() {
		return "[" + bare + "]", nil
	}
	if host == "" || strings.ContainsAny(host, ":[]@/?#%\\\"' \t\r\n") {
		return "", errHost
	}
	return host, nil
}

var errHost = errors.New("the host of Log Insight should be a name or an address without a port: the ports are 9543 and 9000, or those of the options api_ssl_port and api_port")

// Host returns the host, with brackets around an IPv6 address.
func (c *Client) Host() string { return c.host }

// url returns the address of a path. plain is true for HTTP.
func (c *Client) url(plain bool, path string) string {
	if plain {
		return "http://" + c.host + ":" + strconv.Itoa(c.config.APIPort) + path
	}
	return "https://" + c.host + ":" + strconv.Itoa(c.config.APISSLPort) + path
}

// Close closes the idle connections. The session ends by itself on the server.
func (c *Client) Close() error {
	c.close()
	return nil
}

// Version returns the version of the server, such as "8.18.0-23456789".
func (c *Client) Version(ctx context.Context) (string, error) {
	var answer struct {
		Version string `json:"version"`
	}
	if err := c.getJSON(ctx, versionPath, &answer); err != nil {
		return "", err
	}
	return answer.Version, nil
}

var userAgent = "osprofiler-go/" + osprofiler.Version()

// The paths of the API.
const (
	sessionsPath = "/api/v1/sessions"
	currentPath  = "/api/v1/sessions/current"
	versionPath  = "/api/v1/version"
	ingestPath   = "/api/v1/events/ingest/" + AgentID
	eventsPath   = "/api/v1/events/"
)
