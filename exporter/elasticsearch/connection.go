package elasticsearch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	schemeElasticsearch    = "elasticsearch"
	schemeElasticsearchTLS = "elasticsearch+https"
	schemeOpenSearch       = "opensearch"
	schemeOpenSearchTLS    = "opensearch+https"

	defaultPort = "9200"
)

// Open opens the store that a connection string names. An option of the connection
// string takes precedence over the same one here. Open does not connect, so that a
// service starts while its cluster is down. The first method that needs the
// cluster reports what is wrong with it; [store.Store.Ping] does so on purpose.
func Open(connectionString string, opts ...Option) (*store.Store, error) {
	t, err := parse(connectionString, newConfig(opts))
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	c, err := t.cluster()
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	return newStore(c), nil
}

func openConnectionString(_ context.Context, connectionString string, o store.Options) (*store.Store, error) {
	opts := []Option{WithFilterErrorTrace(o.FilterErrorTrace)}
	if o.ReadOnly {
		opts = append(opts, WithReadOnly())
	}
	return Open(connectionString, opts...)
}

// A target has the values of a connection string.
type target struct {
	config
	openSearch     bool // the scheme says so
	user, password string
	hasUser        bool
	apiKey         string
	nodes          []string // host:port
	prefix         string   // of all paths
	tls            *tls.Config
}

// parse reads scheme://[user:password@]host[:port][,host[:port]…][/prefix][?options].
// Several hosts are nodes of one cluster.
func parse(connectionString string, c config) (*target, error) {
	rest, options := connstr.Cut(connectionString)
	if strings.Contains(rest, "?") {
		return nil, options.Safe(errors.New(`the connection string holds more than one "?"; a "?" that does not begin the options should be written %3F`))
	}
	t, err := read(rest, options, c)
	return t, options.Safe(err)
}

// read reads the connection string, which is given without its options, and the
// options.
func read(rest string, options *connstr.Options, c config) (*target, error) {
	scheme := store.Scheme(rest)
	_, rest, _ = strings.Cut(rest, "://")
	t := &target{config: c, openSearch: scheme == schemeOpenSearch || scheme == schemeOpenSearchTLS}
	if err := t.credentials(&rest); err != nil {
		return nil, err
	}
	if err := t.hosts(rest); err != nil {
		return nil, err
	}
	withTLS := scheme == schemeElasticsearchTLS || scheme == schemeOpenSearchTLS
	if err := t.options(options, withTLS); err != nil {
		return nil, err
	}
	return t, t.check()
}

// credentials takes the user and the password, which are before the last "@".
func (t *target) credentials(rest *string) (err error) {
	at := strings.LastIndexByte(*rest, '@')
	if at < 0 {
		return nil
	}
	t.user, t.password, err = connstr.Credentials((*rest)[:at])
	t.hasUser = true
	*rest = (*rest)[at+1:]
	return err
}

// hosts reads the hosts and the prefix.
func (t *target) hosts(rest string) (err error) {
	hosts, prefix, _ := strings.Cut(rest, "/")
	for host := range strings.SplitSeq(hosts, ",") {
		addr, ok := connstr.Address(host, "localhost", defaultPort)
		if !ok {
			return errHost
		}
		t.nodes = append(t.nodes, addr)
	}
	if prefix = strings.Trim(prefix, "/"); prefix == "" {
		return nil
	}
	if t.prefix, err = url.PathUnescape("/" + prefix); err != nil {
		return errors.New("the path of the connection string holds a percent sign that is no escape; it should be written %25" + passwordHint)
	}
	return nil
}

// If the "@" behind a password is missing, the password is taken for a host or a
// path. So errors show neither.
const passwordHint = ` (a password ends at an "@", and its own special characters are percent-escaped)`

var errHost = errors.New("the host of the connection string should be a host and a port, as in host:9200 or [::1]:9200" + passwordHint)

// options reads the options of Python's driver, the options for TLS, and our own.
func (t *target) options(o *connstr.Options, withTLS bool) error {
	o.Filled("index_name", &t.events)
	o.Filled("osp_error_index_name", &t.errors)
	o.Filled("es_doc_type", &t.docType)
	o.Filled("es_scroll_time", &t.scrollTime)
	o.Int("es_scroll_size", &t.scrollSize, 1)
	o.Bool("filter_error_trace", &t.filterErrorTrace)
	o.Bool("osp_read_only", &t.readOnly)
	o.Filled("osp_refresh", &t.refresh)
	o.Duration("osp_timeout", &t.timeout)
	o.Text("osp_api_key", &t.apiKey)
	tlsConfig, err := readTLS(o, withTLS)
	t.tls = tlsConfig
	if done := o.Done(); done != nil { // an option that cannot be read comes first: it may be why TLS cannot be had
		return done
	}
	return err
}

// check refuses values that no server accepts, and values that contradict each other.
func (t *target) check() error {
	switch {
	case t.timeout == 0:
		return errors.New("option osp_timeout of the connection string should be more than 0")
	case t.apiKey != "" && t.hasUser:
		return errors.New("the connection string has a user and an API key; one of them should be left out")
	case t.refresh != string(RefreshLater) && t.refresh != string(RefreshWait) && t.refresh != string(RefreshNow):
		return fmt.Errorf("option osp_refresh=%s of the connection string should be false, wait_for or true", t.refresh)
	}
	return t.checkNames()
}

// checkNames refuses names that the server would read as several indices, or
// as something else.
func (t *target) checkNames() error {
	for _, name := range []connstr.Option{{Name: "index_name", Value: t.events}, {Name: "osp_error_index_name", Value: t.errors}} {
		if !isIndexName(name.Value) {
			return fmt.Errorf("option %s=%s of the connection string should be the name of one index: lower-case letters, digits, \"-\", \"_\" and \".\"", name.Name, name.Value)
		}
	}
	if t.events == t.errors {
		return fmt.Errorf("the options index_name and osp_error_index_name of the connection string should name two indices, not both %q", t.events)
	}
	if strings.HasPrefix(t.docType, "_") && t.docType != "_doc" || strings.ContainsAny(t.docType, "/,#") {
		return fmt.Errorf("option es_doc_type=%s of the connection string should be a mapping type of Elasticsearch 7, such as notification", t.docType)
	}
	return nil
}

func isIndexName(name string) bool {
	return name != "" && name != "." && name != ".." && name == strings.ToLower(name) && !strings.ContainsAny(name, "\\/*?\"<>| ,#:") &&
		!strings.HasPrefix(name, "-") && !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "+")
}

// These words of our errors are not URLs with a password.
var _ = []string{
	connstr.Own("should start with elasticsearch://"), connstr.Own("should start with elasticsearch+https://"),
	connstr.Own("should start with opensearch://"), connstr.Own("should start with opensearch+https://"),
}

// server returns the description of the cluster, without its password.
func (t *target) server() server {
	kind, scheme := "Elasticsearch", schemeElasticsearch
	if t.openSearch {
		kind, scheme = "OpenSearch", schemeOpenSearch
	}
	s := server{name: kind + " at " + strings.Join(t.nodes, ",")}
	if t.tls == nil {
		s.hint = "where it speaks TLS, the connection string should start with " + scheme + "+https://"
	} else {
		s.without = "the connection string should start with " + scheme + "://"
	}
	return s
}

// cluster makes the driver. It does not connect.
func (t *target) cluster() (*cluster, error) {
	transport := t.transport()
	options := []elastictransport.Option{
		elastictransport.WithTransport(transport), elastictransport.WithUserAgent(userAgent),
		elastictransport.WithURLs(t.urls()...), t.retries(),
		elastictransport.WithRetryOnError(func(req *http.Request, _ error) bool { return req.Context().Err() == nil }),
	}
	if t.apiKey != "" {
		options = append(options, elastictransport.WithAPIKey(t.apiKey))
	}
	client, err := elastictransport.NewClient(options...)
	if err != nil {
		return nil, err
	}
	return &cluster{config: t.config, server: t.server(), client: client, close: func() {
		_ = client.Close(context.Background()) // only stops the search for nodes that came back
		transport.CloseIdleConnections()
	}}, nil
}

// retries makes a request go to another node if one cannot be reached. The caller
// of Write repeats a batch, so the client library does not repeat more.
func (t *target) retries() elastictransport.Option {
	if len(t.nodes) == 1 {
		return elastictransport.WithDisableRetry()
	}
	return elastictransport.WithMaxRetries(len(t.nodes) - 1)
}

// urls returns the addresses of the nodes, with the credentials.
func (t *target) urls() []*url.URL {
	scheme := "http"
	if t.tls != nil {
		scheme = "https"
	}
	var user *url.Userinfo
	if t.hasUser {
		user = url.UserPassword(t.user, t.password)
	}
	urls := make([]*url.URL, len(t.nodes))
	for i, node := range t.nodes {
		urls[i] = &url.URL{Scheme: scheme, Host: node, Path: t.prefix, User: user}
	}
	return urls
}

// transport makes the connections.
func (t *target) transport() *http.Transport {
	dialer := &net.Dialer{Timeout: min(t.timeout, dialTimeout), KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: t.tls, TLSHandshakeTimeout: min(t.timeout, dialTimeout),
		MaxIdleConnsPerHost: 16, IdleConnTimeout: 60 * time.Second,
		ExpectContinueTimeout: 2 * time.Second,
	}
}

// dialTimeout is how long to wait for a connection. Then another node is asked.
const dialTimeout = 5 * time.Second

var userAgent = "osprofiler-go/" + osprofiler.Version()
