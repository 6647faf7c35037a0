package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	schemeRedis    = "redis"
	schemeTLS      = "rediss"
	schemeUnix     = "redis+unix"
	schemeSentinel = "redissentinel"

	defaultPort         = "6379"
	defaultSentinelPort = "26379"
	defaultMaster       = "mymaster"
)

// Open opens the store that a connection string names. An option of the connection
// string takes precedence over the same option in opts. Open does not connect, so
// that a service starts while its Redis is down. The first method that needs the
// server reports what is wrong with the server. To check the server, call
// [store.Store.Ping].
func Open(connectionString string, opts ...Option) (*store.Store, error) {
	t, err := parse(connectionString, newConfig(opts))
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	t.client.DialTimeout = min(t.client.DialTimeout, t.timeout)
	t.client.ReadTimeout, t.client.WriteTimeout = t.timeout, t.timeout
	return newStore(goredis.NewUniversalClient(&t.client), t.config, true, t.server()), nil
}

func openConnectionString(_ context.Context, connectionString string, o store.Options) (*store.Store, error) {
	opts := []Option{WithFilterErrorTrace(o.FilterErrorTrace)}
	if o.ReadOnly {
		opts = append(opts, WithReadOnly())
	}
	return Open(connectionString, opts...)
}

// A target contains the values of a connection string.
type target struct {
	config
	client goredis.UniversalOptions
	scheme string
}

// server returns the description of the server, without its password.
func (t *target) server() server {
	addrs := strings.Join(t.client.Addrs, ",")
	s := server{name: "Redis at " + addrs, pythonDriver: schemeRedis, addrs: t.client.Addrs, withTLS: t.client.TLSConfig != nil, hint: "it speaks TLS, so the connection string should start with rediss://"}
	switch {
	case t.client.MasterName != "":
		s.name = fmt.Sprintf("the Redis master %q of the sentinels at %s", t.client.MasterName, addrs)
		s.pythonDriver = schemeSentinel
		s.isSentinel = true
		s.hint = "it speaks TLS, so the connection string should have the option osp_tls=yes"
	case t.client.IsClusterMode:
		s.name = "the Redis cluster at " + addrs
	}
	if t.client.TLSConfig != nil {
		s.hint = "it does not speak TLS, so the connection string should not ask for TLS"
	}
	if t.scheme == schemeUnix {
		s.hint = ""
	}
	return s
}

// parse reads scheme://[[user]:password@]host[:port][,host[:port]…][/db][?options].
// Several hosts are sentinels, or nodes of a cluster.
func parse(connectionString string, c config) (*target, error) {
	rest, options := connstr.Cut(connectionString)
	if strings.Contains(rest, "?") {
		return nil, options.Safe(errors.New(`the connection string holds more than one "?"; a "?" that does not begin the options should be written %3F`))
	}
	t, err := read(rest, options, c)
	return t, options.Safe(err)
}

// read reads the connection string, from which the options were removed, and
// the options.
func read(rest string, options *connstr.Options, c config) (*target, error) {
	scheme := store.Scheme(rest)
	_, rest, _ = strings.Cut(rest, "://")
	t := &target{config: c, scheme: scheme, client: goredis.UniversalOptions{
		// The caller of Write repeats a batch, so the client library does not.
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		// A connection begins with AUTH and SELECT only, because old servers know no
		// other command and users may have no other rights.
		Protocol: 2, DisableIdentity: true,
		DialTimeout: c.timeout,
	}}
	if err := t.user(&rest); err != nil {
		return nil, err
	}
	if err := t.hosts(rest); err != nil {
		return nil, err
	}
	if err := t.options(options); err != nil {
		return nil, err
	}
	return t, t.check()
}

// user takes the user and the password, which are before the last "@".
func (t *target) user(rest *string) (err error) {
	at := strings.LastIndexByte(*rest, '@')
	if at < 0 {
		return nil
	}
	t.client.Username, t.client.Password, err = connstr.Credentials((*rest)[:at])
	*rest = (*rest)[at+1:]
	return err
}

// hosts reads the hosts and the number of the database.
func (t *target) hosts(rest string) (err error) {
	if t.scheme == schemeUnix {
		path, err := url.PathUnescape(rest)
		if err != nil || !strings.HasPrefix(path, "/") {
			return errors.New("the socket of the connection string should be a path from the root, as in redis+unix:///run/redis/redis.sock" + passwordHint)
		}
		t.client.Addrs = []string{path}
		return nil
	}
	hosts, db, _ := strings.Cut(rest, "/")
	port := defaultPort
	if t.scheme == schemeSentinel {
		port = defaultSentinelPort
	}
	for host := range strings.SplitSeq(hosts, ",") {
		addr, ok := connstr.Address(host, "localhost", port)
		if !ok {
			return errHost
		}
		t.client.Addrs = append(t.client.Addrs, addr)
	}
	if db == "" {
		return nil
	}
	if t.client.DB, err = strconv.Atoi(db); err != nil || t.client.DB < 0 {
		return errors.New("the database of the connection string should be a number from 0, as in redis://host:6379/0" + passwordHint)
	}
	return nil
}

// These are words of our error texts. They are not URLs with a password.
var _ = []string{
	connstr.Own("as in redis://host:6379/0"), connstr.Own("as in redissentinel://host:26379"),
	connstr.Own("should start with redis://"), connstr.Own("should start with rediss://"),
	connstr.Own("should start with redissentinel://"), connstr.Own("starts with rediss://"),
	connstr.Own("should read like redis://user:password@host"),
}

// passwordHint is part of errors about a host, a database or a path. If the "@"
// behind a password is missing, the password is taken for one of these. So
// errors do not show their values.
const passwordHint = ` (a password ends at an "@", and its own special characters are percent-escaped)`

var errHost = errors.New("the host of the connection string should be a host and a port, as in host:6379 or [::1]:6379" + passwordHint)

// credentials takes the user and the password from options if they are not given
// before the "@", as redis-py does.
func (t *target) credentials(o *connstr.Options) {
	user, _ := o.Take("username")
	password, _ := o.Take("password")
	t.client.Username = cmp.Or(t.client.Username, user)
	t.client.Password = cmp.Or(t.client.Password, password)
}

// tuning lists the options of redis-py that only tune its connections, or that
// select the form in which Python gets texts.
var tuning = []string{
	"socket_keepalive", "socket_keepalive_options", "socket_read_size", "health_check_interval", "retry_on_error", "timeout",
	"client_name", "lib_name", "lib_version", "protocol", "legacy_responses", "single_connection_client",
	"encoding", "encoding_errors", "decode_responses",
}

// options reads the options of the Python library, the options of redis-py that
// say how to connect, and our own.
func (t *target) options(o *connstr.Options) error {
	o.Int("db", &t.client.DB, 0)
	t.credentials(o)
	o.Int("max_connections", &t.client.PoolSize, 1)
	o.Duration("socket_timeout", &t.timeout)
	connect := t.timeout
	o.Duration("socket_connect_timeout", &connect)
	t.client.DialTimeout = connect
	var retry bool // the option has no effect, because writes that fail are retried anyway
	o.Bool("retry_on_timeout", &retry)
	o.Ignore(tuning...)
	o.Bool("osp_cluster", &t.client.IsClusterMode)
	o.Bool("osp_legacy", &t.withLegacy)
	o.Bool("osp_read_only", &t.readOnly)
	o.Bool("filter_error_trace", &t.filterErrorTrace)
	o.Int("osp_replicas", &t.replicas, 0)
	var ttl time.Duration
	o.Duration("osp_ttl", &ttl)
	if ttl > 0 {
		WithTTL(ttl).apply(&t.config)
	}
	if err := t.sentinels(o); err != nil {
		return err
	}
	tls, err := t.tls(o)
	t.client.TLSConfig = tls
	// The error about an option that cannot be read comes first, because it may
	// be the reason why TLS cannot be used.
	return cmp.Or(o.Done(), err)
}

// check refuses values that contradict each other.
func (t *target) check() error {
	switch {
	case t.timeout == 0:
		return errors.New("option socket_timeout of the connection string should be more than 0")
	case len(t.client.Addrs) > 1 && t.client.MasterName == "" && !t.client.IsClusterMode:
		return errors.New("the connection string names several hosts: of sentinels it should start with redissentinel://, of a cluster have the option osp_cluster=yes")
	case t.client.IsClusterMode && t.client.MasterName != "":
		return errors.New("the connection string asks for a cluster and for sentinels; it should be one of them")
	case t.client.IsClusterMode && t.client.DB != 0:
		return fmt.Errorf("the connection string asks for database %d of a cluster, which has only 0", t.client.DB)
	case t.client.IsClusterMode && t.replicas > 0:
		return errors.New("option osp_replicas of the connection string cannot be had of a cluster")
	}
	return nil
}
