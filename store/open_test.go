package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// opened is what the back ends of these tests were opened with.
type opened struct {
	store.Store
	store.Sink
	connectionString string
	options          store.Options
}

func init() {
	store.Register(store.Backend{Schemes: []string{"teststore", "teststore+tls"}, OpenStore: func(_ context.Context, c string, o store.Options) (store.Store, error) {
		return opened{connectionString: c, options: o}, nil
	}})
	store.Register(store.Backend{Schemes: []string{"othersink"}, OpenSink: func(_ context.Context, c string, o store.Options) (store.Sink, error) {
		return opened{connectionString: c, options: o}, nil
	}})
}

func TestOpen(t *testing.T) {
	for _, c := range []struct {
		connectionString string
		opts             []store.Option
		want             store.Options
	}{
		{"teststore://u:pw@h1,h2/x?y=z", nil, store.Options{}},
		{"TestStore://H", []store.Option{store.WithReadOnly()}, store.Options{ReadOnly: true}},
		{"teststore+tls://h", []store.Option{store.WithFilterErrorTrace(true), store.WithReadOnly()}, store.Options{ReadOnly: true, FilterErrorTrace: true}},
		{"teststore", []store.Option{store.WithFilterErrorTrace(true), store.WithFilterErrorTrace(false)}, store.Options{}},
	} {
		s, err := store.Open(t.Context(), c.connectionString, c.opts...)
		if err != nil {
			t.Errorf("%s: %v", c.connectionString, err)
			continue
		}
		if got := s.(opened); got.connectionString != c.connectionString || got.options != c.want {
			t.Errorf("%s was opened as %q with %+v, want %+v", c.connectionString, got.connectionString, got.options, c.want)
		}
	}
	sink, err := store.OpenSink(t.Context(), "othersink://h", store.WithReadOnly())
	if err != nil || !sink.(opened).options.ReadOnly {
		t.Errorf("OpenSink gave %+v (%v)", sink, err)
	}
}

// A file or a variable may leave more than the connection string. As part of a
// path it would name another file.
func TestOpenDropsWhatSurroundsTheConnectionString(t *testing.T) {
	const want = "teststore:///var/lib/x.db"
	for _, around := range []string{"%s\n", "%s\r\n", " \t%s ", "\uFEFF%s", "\uFEFF %s\r\n\n"} {
		c := fmt.Sprintf(around, want)
		s, err := store.Open(t.Context(), c)
		if err != nil || s.(opened).connectionString != want || store.Scheme(c) != "teststore" {
			t.Errorf("%q was opened as %+v (%v)", c, s, err)
		}
		sink, err := store.OpenSink(t.Context(), fmt.Sprintf(around, "othersink://h"))
		if err != nil || sink.(opened).connectionString != "othersink://h" {
			t.Errorf("%q was opened as %+v (%v)", c, sink, err)
		}
	}
	for _, c := range []string{"", "\uFEFF", "\uFEFF\r\n"} {
		if _, err := store.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "is empty") {
			t.Errorf("%q: %v", c, err)
		}
	}
}

// A store is no sink and a sink no store; what is unknown is told what is known.
func TestOpenRefuses(t *testing.T) {
	openStore := func(c string) error { _, err := store.Open(t.Context(), c); return err }
	openSink := func(c string) error { _, err := store.OpenSink(t.Context(), c); return err }
	for _, c := range []struct {
		open             func(string) error
		connectionString string
		want             string
		unsupported      bool
	}{
		{openStore, "othersink://user:geheim@h", "othersink:// takes spans but cannot be read: ", true},
		{openSink, "teststore://user:geheim@h", "teststore:// is a store: open it with store.Open: ", true},
		{openStore, "", "the connection string is empty; it should read like sqlite:////path/to/file.db", false},
		{openSink, " \t", "the connection string is empty; it should read like sqlite:////path/to/file.db", false},
		{openStore, "nosuch://user:geheim@h", `unknown scheme "nosuch"; a connection string should start with one of file://, `, false},
		{openSink, "nosuch://user:geheim@h", `unknown scheme "nosuch"; a connection string should start with one of file://, `, false},
		{openStore, "user:geheim@h", "this is no connection string: it should start with one of file://, ", false},
		{openStore, "sqlite:///geheim", `the back end of sqlite:// is not linked into this program: import _ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"`, false},
		{openStore, "FILE:///geheim", `the back end of file:// is not linked into this program: import _ "github.com/osprofiler-otel/osprofiler/exporter/file"`, false},
	} {
		err := c.open(c.connectionString)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q\n got %v\nwant %s", c.connectionString, err, c.want)
			continue
		}
		if errors.Is(err, errors.ErrUnsupported) != c.unsupported {
			t.Errorf("%q: %v is errors.ErrUnsupported: %v", c.connectionString, err, !c.unsupported)
		}
		if strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: the error shows the password: %v", c.connectionString, err)
		}
	}
}

func TestKnownSchemes(t *testing.T) {
	_, err := store.Lookup("nosuch://")
	for _, scheme := range []string{"teststore", "teststore+tls", "othersink", "sqlite", "file"} {
		if err == nil || strings.Count(err.Error(), " "+scheme+"://") != 1 {
			t.Errorf("the error should list %s:// once: %v", scheme, err)
		}
	}
	linked := store.Schemes()
	if !slices.IsSorted(linked) || !slices.Contains(linked, "othersink") || slices.Contains(linked, "sqlite") {
		t.Errorf("the linked schemes are %q", linked)
	}
}

func TestRegisterTwice(t *testing.T) {
	defer func() {
		if r := recover(); r != "store: scheme teststore is registered twice" {
			t.Errorf("Register of a known scheme panicked with %v", r)
		}
	}()
	store.Register(store.Backend{Schemes: []string{"teststore"}})
}

func TestScheme(t *testing.T) {
	for in, want := range map[string]string{
		"redis://h": "redis", "Redis+TLS://h": "redis+tls", "messaging": "messaging", "": "", "://": "", "a:b": "a:b",
	} {
		if got := store.Scheme(" " + in + "\n"); got != want {
			t.Errorf("Scheme(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzLookup(f *testing.F) {
	f.Add("sqlite:///x")
	f.Add("redis://user:geheim@h")
	f.Add(":geheim@userredis://")
	f.Fuzz(func(t *testing.T, connectionString string) {
		b, err := store.Lookup(connectionString)
		if (err == nil) != (b.Schemes != nil) {
			t.Errorf("Lookup(%q) = %v, %v", connectionString, b.Schemes, err)
		}
		if err != nil && strings.Contains(connectionString, ":geheim@") && strings.Contains(err.Error(), ":geheim@") {
			t.Errorf("Lookup(%q) shows the password: %v", connectionString, err)
		}
	})
}

func TestErrors(t *testing.T) {
	if err := store.NotFound("a\n"); !errors.Is(err, store.ErrNotFound) || err.Error() != `no such trace: "a\n"` {
		t.Errorf("NotFound: %v", err)
	}
	reason := errors.New("half a line")
	err := fmt.Errorf("reading: %w", &store.Damage{Place: "line 7", Reason: reason})
	var damage *store.Damage
	if !errors.As(err, &damage) || !errors.Is(err, reason) || err.Error() != "reading: skipped line 7: half a line" {
		t.Errorf("Damage: %v", err)
	}
}

func TestQueryContains(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	for _, c := range []struct {
		q    store.Query
		at   time.Time
		want bool
	}{
		{store.Query{}, at(5), true},
		{store.Query{}, time.Time{}, true},
		{store.Query{Since: at(5)}, at(5), true},
		{store.Query{Since: at(5)}, at(4), false},
		{store.Query{Since: at(5)}, time.Time{}, false},
		{store.Query{Until: at(5)}, at(5), false},
		{store.Query{Until: at(5)}, at(4), true},
		{store.Query{Until: at(5)}, time.Time{}, true},
		{store.Query{Since: at(4), Until: at(6)}, at(5), true},
		{store.Query{Since: at(6), Until: at(4)}, at(5), false},
	} {
		if got := c.q.Contains(c.at); got != c.want {
			t.Errorf("%+v contains %v: %v", c.q, c.at, got)
		}
	}
}

func TestTraceTime(t *testing.T) {
	if got := (store.Trace{Timestamp: "2024-05-06T07:08:09.000010"}).Time(); !got.Equal(time.Date(2024, 5, 6, 7, 8, 9, 10_000, time.UTC)) {
		t.Errorf("got %v", got)
	}
	if got := (store.Trace{Timestamp: "yesterday"}).Time(); !got.IsZero() {
		t.Errorf("got %v", got)
	}
}
