// Package file is the back end that keeps notifications in a file as JSON, one
// notification a line (JSON Lines). Such a file serves to keep a trace, to send
// it to somebody, or to pipe it through other tools. Importing it registers the
// scheme file://.
//
// Several processes may append to one file at the same time. A line that a
// crash left half written is skipped when the file is read, and reported as a
// *store.DamageError. The next Write starts on a new line. See
// docs/stores/file.md.
package file

import (
	"context"
	"fmt"
	"os"

	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/store"
)

func init() {
	store.Register(store.Backend{Schemes: []string{"file"}, Open: openBackend})
}

// Open returns the Store in the file that a connection string such as
// file:///var/lib/nova/traces.jsonl names. Open neither creates nor opens the
// file. The first Write opens the file and creates it if necessary, and so does
// Ping, unless the Store is read-only. An option of the connection string takes
// precedence over the same one here.
func Open(connectionString string, opts ...Option) (*store.Store, error) {
	return open(connectionString, newConfig(opts))
}

// openBackend opens a connection string for package store. FilterErrorTrace has
// no effect, because failed traces are found in the notifications themselves.
func openBackend(_ context.Context, connectionString string, o store.Options) (*store.Store, error) {
	c := newConfig(nil)
	c.readOnly = o.ReadOnly
	return open(connectionString, c)
}

func open(connectionString string, c config) (*store.Store, error) {
	path, c, err := parse(connectionString, c)
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	d := newDriver(path, c)
	if c.readOnly {
		return store.NewReadOnly(d), nil
	}
	return store.New(d), nil
}

// A fileDriver is the driver of one file. It implements driver.Writer,
// driver.Reader, driver.Lister and driver.Feeder, and, except on Windows,
// driver.Deleter.
type fileDriver struct {
	config

	path    string
	longest int64 // the length of the longest line that is written

	// appending holds the file that Write appends to, or nil if it is not open.
	// It is empty while a call writes or deletes.
	appending chan *os.File
}

func newDriver(path string, c config) *fileDriver {
	d := &fileDriver{config: c, path: path, longest: longestLine - 1, appending: make(chan *os.File, 1)}
	d.appending <- nil
	return d
}

// Name implements driver.Driver.
func (d *fileDriver) Name() string { return fmt.Sprintf("the file %q", d.path) }

// Ping implements driver.Driver. It opens the file, and creates it unless the
// Store is read-only.
func (d *fileDriver) Ping(context.Context) error {
	openFile := d.openForWriting
	if d.readOnly {
		openFile = d.openForReading
	}
	f, err := openFile()
	if err != nil {
		return err
	}
	return f.Close()
}

// Close implements driver.Driver.
func (d *fileDriver) Close() error {
	f := <-d.appending
	if f == nil {
		return nil
	}
	return files.Reason(f.Close())
}
