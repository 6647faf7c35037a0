// Package loginsight is the back end for VMware Log Insight (vRealize Log Insight,
// Aria Operations for Logs). It writes and reads the events of the Python library's
// driver. Importing the package registers the scheme loginsight://. See
// docs/stores/loginsight.md.
//
// No real server was available for the tests. The tests run against a strict server of
// our own that follows the reference of the REST API.
//
// [Client] is a client of the REST API, which may be used without the store. It is in
// client.go, request.go, session.go, events.go, query.go, slices.go and result.go. The
// driver is in the other files: event.go maps between notifications and events, large.go
// stores notifications that are too large for a field, and traces.go lists traces.
package loginsight

import (
	"context"
	"errors"
	"net/http"

	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

func init() {
	store.Register(store.Backend{Schemes: []string{scheme}, Open: openConnectionString})
}

const scheme = "loginsight"

// A database is the driver of the events of OSProfiler in one server.
type database struct {
	client   *Client
	owned    bool // Close closes the client
	readOnly bool
}

// An Option changes how a Store works.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// A config has the values of the options.
type config struct {
	readOnly bool
}

// WithReadOnly refuses to write.
func WithReadOnly() Option { return optionFunc(func(c *config) { c.readOnly = true }) }

func newConfig(opts []Option) (c config) {
	for _, opt := range opts {
		opt.apply(&c)
	}
	return c
}

// New returns the Store of a client that the caller made. Close leaves the client
// open.
func New(client *Client, opts ...Option) *store.Store {
	return newStore(&database{client: client, readOnly: newConfig(opts).readOnly})
}

func newStore(d *database) *store.Store {
	if d.readOnly {
		return store.NewReadOnly(d)
	}
	return store.New(d)
}

// Name implements driver.Driver.
func (d *database) Name() string { return d.client.server.Name }

// Ping implements driver.Driver. It logs in, unless there is no user and the Store can
// only write. Unless the Store is read-only, it also sends a request without events to
// the port for ingestion, which the server refuses for that reason.
func (d *database) Ping(ctx context.Context) error {
	if d.readOnly || d.client.config.Username != "" {
		if err := d.client.Login(ctx); err != nil {
			return err
		}
	}
	if d.readOnly {
		return nil
	}
	err := d.client.SendEvents(ctx)
	var answer *APIError
	if errors.As(err, &answer) && answer.Status == http.StatusBadRequest && !answer.isForeign {
		return nil
	}
	return err
}

// Version implements driver.Versioner.
func (d *database) Version(ctx context.Context) (string, error) {
	version, err := d.client.Version(ctx)
	if err != nil {
		return "", err
	}
	return "Log Insight " + shortText(version), nil
}

// Close implements driver.Driver. It leaves a client open that was given to New.
func (d *database) Close() error {
	if d.owned {
		return d.client.Close()
	}
	return nil
}

var (
	_ driver.Driver         = (*database)(nil)
	_ driver.Writer         = (*database)(nil)
	_ driver.Reader         = (*database)(nil)
	_ driver.Lister         = (*database)(nil)
	_ driver.Versioner      = (*database)(nil)
	_ driver.PythonAnswerer = (*database)(nil)
)
