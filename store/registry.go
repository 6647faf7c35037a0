package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A Backend opens the connection strings of its schemes.
type Backend struct {
	// Schemes are in lower case, without "://".
	Schemes []string
	// Open opens a Store. It neither connects nor creates anything. An error
	// about the text of the connection string is made by [BadConnectionString].
	Open func(ctx context.Context, connectionString string, o Options) (*Store, error)
}

// Options are the settings that a caller of Open can give to any back end. A back end also
// reads them from its connection string, as the query options in parentheses. The query
// options take precedence. Package store does not read the connection string.
type Options struct {
	// FilterErrorTrace (filter_error_trace) makes a back end keep a record of each failed
	// trace, if the back end cannot find failed traces otherwise. The option of the Python
	// library does the same.
	FilterErrorTrace bool
	// ReadOnly (osp_read_only) refuses to write and to delete, so that nothing is created and
	// no right to write is needed.
	ReadOnly bool
}

// An Option sets one of the Options.
type Option interface{ apply(*Options) }

type optionFunc func(*Options)

func (f optionFunc) apply(o *Options) { f(o) }

// WithFilterErrorTrace sets Options.FilterErrorTrace.
func WithFilterErrorTrace(on bool) Option {
	return optionFunc(func(o *Options) { o.FilterErrorTrace = on })
}

// WithReadOnly sets Options.ReadOnly.
func WithReadOnly() Option { return optionFunc(func(o *Options) { o.ReadOnly = true }) }

func newOptions(opts []Option) (o Options) {
	for _, opt := range opts {
		opt.apply(&o)
	}
	return o
}

// registry maps a scheme to its back end. A sink's Backend has no Open.
var registry = struct {
	sync.RWMutex
	backends map[string]Backend
}{backends: map[string]Backend{}}

// Register registers a back end under its schemes. A back end calls it from init. Register
// panics if a scheme is already registered.
func Register(b Backend) {
	registry.Lock()
	defer registry.Unlock()
	for _, scheme := range b.Schemes {
		if _, taken := registry.backends[scheme]; taken {
			panic("store: scheme " + scheme + " is registered twice")
		}
		registry.backends[scheme] = b
	}
}

// RegisterSink registers schemes as those of sinks. A sink takes spans and cannot be read.
// Package exporter opens sinks, and calls RegisterSink for each sink that is registered there.
func RegisterSink(schemes ...string) { Register(Backend{Schemes: schemes}) }

// IsSink reports whether a connection string names a sink.
func IsSink(connectionString string) bool {
	b, err := Lookup(connectionString)
	return err == nil && b.Open == nil
}

// packages maps a scheme to the package that registers it. It is used for an error that names
// the missing import.
var packages = map[string]string{
	"file": "exporter/file",

	"sqlite":              "exporter/sql/sqlite",
	"postgresql":          "exporter/sql/postgresql",
	"postgresql+psycopg2": "exporter/sql/postgresql",
	"mysql":               "exporter/sql/mysql",
	"mysql+pymysql":       "exporter/sql/mysql",
	"mysql+mysqldb":       "exporter/sql/mysql",

	"elasticsearch":       "exporter/elasticsearch",
	"elasticsearch+https": "exporter/elasticsearch",
	"opensearch":          "exporter/elasticsearch",
	"opensearch+https":    "exporter/elasticsearch",
	"loginsight":          "exporter/loginsight",
	"mongodb":             "exporter/mongo",
	"mongodb+srv":         "exporter/mongo",

	"messaging":    "exporter/messaging",
	"rabbit":       "exporter/messaging",
	"kombu":        "exporter/messaging",
	"kombu+amqp":   "exporter/messaging",
	"kombu+amqps":  "exporter/messaging",
	"kombu+pyamqp": "exporter/messaging",
	"amqp":         "exporter/messaging",
	"amqps":        "exporter/messaging",
	"kafka":        "exporter/messaging",

	"redis":         "exporter/redis",
	"rediss":        "exporter/redis",
	"redis+unix":    "exporter/redis",
	"redissentinel": "exporter/redis",
}

// otherDrivers maps the schemes of further drivers of SQLAlchemy to a scheme of the same
// database. The Python library of OSProfiler does not accept these schemes, but the connection
// strings of services contain them. Errors do not list them.
var otherDrivers = map[string]string{
	"postgresql+psycopg": "postgresql", "postgresql+psycopg_async": "postgresql", "postgresql+psycopg2cffi": "postgresql",
	"postgresql+asyncpg": "postgresql", "postgresql+pg8000": "postgresql",
	"mysql+mysqlconnector": "mysql", "mysql+aiomysql": "mysql", "mysql+asyncmy": "mysql", "mysql+cymysql": "mysql",
	"mariadb": "mysql", "mariadb+mysqldb": "mysql", "mariadb+pymysql": "mysql", "mariadb+asyncmy": "mysql", "mariadb+aiomysql": "mysql",
}

const importRoot = "github.com/osprofiler-otel/osprofiler/"

// Scheme returns the scheme of a connection string in lower case. A string without "://" is a
// scheme as a whole, as in the Python library.
func Scheme(connectionString string) string {
	scheme, _, _ := strings.Cut(trimmed(connectionString), "://")
	return strings.ToLower(strings.TrimSpace(scheme))
}

// trimmed drops the byte order mark, the blanks and the line end that a file or a variable may
// have around a connection string. As part of a path, they would name another file.
func trimmed(connectionString string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(connectionString), "\uFEFF"))
}

// Lookup returns the back end of a connection string. For an unknown scheme, the error lists
// the known ones. For a scheme whose package is not linked into the program, the error names
// the import. All these errors are ErrConnectionString.
func Lookup(connectionString string) (Backend, error) {
	b, err := lookup(connectionString)
	return b, BadConnectionString(err)
}

func lookup(connectionString string) (Backend, error) {
	if connectionString = trimmed(connectionString); connectionString == "" {
		return Backend{}, errors.New("the connection string is empty; it should read like sqlite:////path/to/file.db")
	}
	scheme := Scheme(connectionString)
	if usual, ok := otherDrivers[scheme]; ok {
		scheme = usual
	}
	registry.RLock()
	defer registry.RUnlock()
	if b, ok := registry.backends[scheme]; ok {
		return b, nil
	}
	if pkg, ok := packages[scheme]; ok {
		return Backend{}, fmt.Errorf("the back end of %s:// is not linked into this program: import _ %q", scheme, importRoot+pkg)
	}
	if !strings.Contains(connectionString, "://") {
		return Backend{}, fmt.Errorf("this is no connection string: it should start with one of %s", known())
	}
	if !isScheme(scheme) { // the scheme may contain a password, so it is not quoted
		return Backend{}, fmt.Errorf("what stands before :// is no scheme; a connection string should start with one of %s", known())
	}
	return Backend{}, fmt.Errorf("unknown scheme %q; a connection string should start with one of %s", scheme, known())
}

// isScheme reports whether a text has the form of a URL's scheme (RFC 3986).
func isScheme(text string) bool {
	for i, c := range []byte(text) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(c))) {
			return false
		}
	}
	return text != ""
}

func known() string {
	schemes := slices.AppendSeq(slices.Collect(maps.Keys(packages)), maps.Keys(registry.backends))
	slices.Sort(schemes)
	return strings.Join(slices.Compact(schemes), "://, ") + "://"
}

// Schemes returns the sorted schemes of the back ends that are linked into the program.
func Schemes() []string {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Sorted(maps.Keys(registry.backends))
}

// Open opens the Store that the connection string names. It neither connects nor creates
// anything. A wrong text fails with ErrConnectionString. A sink, which cannot be read, fails
// with [errors.ErrUnsupported]. Errors show no password. Blanks, line ends and a byte order
// mark around the connection string are dropped.
func Open(ctx context.Context, connectionString string, opts ...Option) (*Store, error) {
	b, err := Lookup(connectionString)
	if err != nil {
		return nil, err
	}
	if b.Open == nil {
		return nil, fmt.Errorf("%s:// takes spans but cannot be read: %w", Scheme(connectionString), errors.ErrUnsupported)
	}
	return b.Open(ctx, trimmed(connectionString), newOptions(opts))
}
