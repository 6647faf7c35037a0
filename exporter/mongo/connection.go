package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

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
	c := newConfig(opts)
	rest, o := connstr.Cut(connectionString)
	o.Text("db_name", &c.database)
	o.Bool("filter_error_trace", &c.filterErrorTrace)
	o.Bool("osp_read_only", &c.readOnly)
	uri := rest
	if values := o.Rest(); len(values) > 0 {
		uri += "?" + values.Encode()
	}
	if err := o.Done(); err != nil {
		return nil, store.BadConnectionString(err)
	}
	d := &database{config: c, name: "MongoDB"}
	d.client = &client{database: c.database, options: func() (*options.ClientOptions, error) {
		return options.Client().ApplyURI(uri).SetServerSelectionTimeout(defaultSelection), nil
	}}
	return newStore(d), nil
}

func openConnectionString(_ context.Context, connectionString string, o store.Options) (*store.Store, error) {
	opts := []Option{WithFilterErrorTrace(o.FilterErrorTrace)}
	if o.ReadOnly {
		opts = append(opts, WithReadOnly())
	}
	return Open(connectionString, opts...)
}
