package mongo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	schemeMongo = "mongodb"
	schemeSRV   = "mongodb+srv"
)

// Open opens the store that a connection string names. An option of the connection
// string takes precedence over the same one here. Open does not connect, so that a
// service starts while its MongoDB is down. The first method that needs the server
// reports what is wrong with the server; [store.Store.Ping] does so on purpose.
func Open(connectionString string, opts ...Option) (*store.Store, error) {
	t, err := parse(connectionString, newConfig(opts))
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	d := &database{config: t.config, user: t.user, addrs: t.hosts, withTLS: t.tls != nil}
	d.name = "MongoDB at " + strings.Join(t.hosts, ",")
	d.client = &client{database: t.database, options: t.clientOptions}
	return newStore(d), nil
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
	scheme         string
	user, password string
	hasUser        bool
	hosts          []string
	path           string     // the database behind the hosts, which is the default of authSource
	passed         url.Values // the options for the client library
	tls            *tls.Config
	hasSelection   bool // the connection string has a serverSelectionTimeoutMS
	hasConnect     bool // likewise a connectTimeoutMS
}

// parse reads mongodb://[user:password@]host[:port][,host[:port]…][/[database]][?options].
func parse(connectionString string, c config) (*target, error) {
	rest, o := connstr.Cut(canonical(connectionString))
	if strings.Contains(rest, "?") {
		return nil, o.Safe(errors.New(`the connection string holds more than one "?"; a "?" that does not begin the options should be written %3F`))
	}
	t := &target{config: c, scheme: store.Scheme(rest)}
	_, rest, _ = strings.Cut(rest, "://")
	if err := t.readServers(rest); err != nil {
		return nil, o.Safe(err)
	}
	if err := t.readOptions(o); err != nil {
		return nil, o.Safe(err)
	}
	return t, o.Safe(t.check())
}

// uri returns the connection string for the client library.
func (t *target) uri(scheme string, passed url.Values) string {
	var b strings.Builder
	b.WriteString(scheme + "://")
	if t.hasUser {
		b.WriteString(escape(t.user))
		if t.password != "" {
			b.WriteString(":" + escape(t.password))
		}
		b.WriteString("@")
	}
	for i, host := range t.hosts {
		if i > 0 {
			b.WriteString(",")
		}
		if strings.HasPrefix(host, "/") {
			host = escape(host)
		}
		b.WriteString(host)
	}
	b.WriteString("/" + escape(t.path))
	if len(passed) > 0 {
		b.WriteString("?" + passed.Encode())
	}
	return b.String()
}

// escape escapes all characters that have a meaning in a connection string.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// clientOptions returns the options of the client library. For mongodb+srv it asks
// the name server.
func (t *target) clientOptions() (*options.ClientOptions, error) {
	o := options.Client().ApplyURI(t.uri(t.scheme, t.passed))
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.TLSConfig = t.tls
	if !t.hasSelection {
		o.SetServerSelectionTimeout(defaultSelection)
	}
	if !t.hasConnect {
		o.SetConnectTimeout(defaultConnect)
	}
	if o.WriteConcern == nil {
		journal := true
		o.SetWriteConcern(&writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &journal})
	}
	return o, nil
}

// Timeouts that differ from the defaults of the client library.
const (
	defaultSelection = 15 * time.Second // until a server can be used; a replica set elects a primary in that time
	defaultConnect   = 10 * time.Second
)

// check lets the client library read the options, without asking a name server.
func (t *target) check() error {
	passed := url.Values{}
	for name, values := range t.passed {
		if !strings.HasPrefix(name, "srv") {
			passed[name] = values
		}
	}
	o := options.Client().ApplyURI(t.uri(schemeMongo, passed))
	if err := o.Validate(); err != nil {
		return t.refused(err)
	}
	if o.WriteConcern != nil && !o.WriteConcern.Acknowledged() {
		return fmt.Errorf("option w=0 of the connection string is not supported: %w", errUnacknowledged)
	}
	return nil
}

// refused returns the client library's error about the connection string, unless
// it shows a secret.
func (t *target) refused(err error) error {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "error parsing uri: "), "error validating uri: ")
	for _, secret := range append(t.passed["authMechanismProperties"], t.password, escape(t.password)) {
		if secret != "" && strings.Contains(text, secret) {
			text = "the client library refuses it"
		}
	}
	return fmt.Errorf("the connection string should be one that MongoDB takes, as in %s: %s", example, text)
}

var example = connstr.Own("mongodb://user:password@host:27017/?authSource=admin")
