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
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// opened is a driver that records the options with which it was opened.
type opened struct {
	driver.Driver
	connectionString string
	options          store.Options
}

func init() {
	store.Register(store.Backend{Schemes: []string{"teststore", "teststore+tls"}, Open: func(_ context.Context, c string, o store.Options) (*store.Store, error) {
		return store.New(opened{connectionString: c, options: o}), nil
	}})
	store.RegisterSink("othersink")
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
		if got := s.Driver().(opened); got.connectionString != c.connectionString || got.options != c.want {
			t.Errorf("%s was opened as %q with %+v, want %+v", c.connectionString, got.connectionString, got.options, c.want)
		}
	}
	for c, want := range map[string]bool{"OtherSink://h": true, "teststore://h": false, "nosuch://h": false, "": false} {
		if store.IsSink(c) != want {
			t.Errorf("IsSink(%q) = %v", c, !want)
		}
	}
}

// A file or a variable may contain blanks or a byte order mark around the connection string.
// As part of a path, they would name another file.
func TestOpenDropsWhatSurroundsTheConnectionString(t *testing.T) {
	const want = "teststore:///var/lib/x.db"
	for _, around := range []string{"%s\n", "%s\r\n", " \t%s ", "\uFEFF%s", "\uFEFF %s\r\n\n"} {
		c := fmt.Sprintf(around, want)
		s, err := store.Open(t.Context(), c)
		if err != nil || s.Driver().(opened).connectionString != want || store.Scheme(c) != "teststore" {
			t.Errorf("%q was opened as %+v (%v)", c, s, err)
		}
	}
	for _, c := range []string{"", "\uFEFF", "\uFEFF\r\n"} {
		if _, err := store.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "is empty") {
			t.Errorf("%q: %v", c, err)
		}
	}
}

// Open refuses the scheme of a sink and a wrong connection string. The error for an unknown
// scheme lists the known ones.
func TestOpenRefuses(t *testing.T) {
	openStore := func(c string) error { _, err := store.Open(t.Context(), c); return err }
	for _, c := range []struct {
		open             func(string) error
		connectionString string
		want             string
		unsupported      bool
	}{
		{openStore, "othersink://user:geheim@h", "othersink:// takes spans but cannot be read: ", true},
		{openStore, "", "the connection string is empty; it should read like sqlite:////path/to/file.db", false},
		{openStore, " \t", "the connection string is empty; it should read like sqlite:////path/to/file.db", false},
		{openStore, "nosuch://user:geheim@h", `unknown scheme "nosuch"; a connection string should start with one of amqp://, `, false},
		{openStore, "user:geheim@h", "this is no connection string: it should start with one of amqp://, ", false},
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
	err := fmt.Errorf("reading: %w", &store.DamageError{Entry: "line 7", Reason: reason})
	var damage *store.DamageError
	if !errors.As(err, &damage) || !errors.Is(err, reason) || err.Error() != "reading: skipped line 7: half a line" {
		t.Errorf("DamageError: %v", err)
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

func TestQueryMatches(t *testing.T) {
	s := store.Summary{Timestamp: "2024-05-06T07:08:09.000010", LastTimestamp: "yesterday", Service: "api", Failed: true, FirstFailure: "2024-05-06T08:00:00"}
	first, failure := time.Date(2024, 5, 6, 7, 8, 9, 10_000, time.UTC), time.Date(2024, 5, 6, 8, 0, 0, 0, time.UTC)
	if !s.Time().Equal(first) || !s.LastTime().IsZero() || !s.FirstFailureTime().Equal(failure) {
		t.Errorf("the times of %+v are %v, %v and %v", s, s.Time(), s.LastTime(), s.FirstFailureTime())
	}
	for _, c := range []struct {
		q    store.Query
		want bool
	}{
		{store.Query{}, true},
		{store.Query{Service: "api", Failed: true}, true},
		{store.Query{Service: "API"}, false},
		{store.Query{Until: failure}, true},
		{store.Query{Until: failure, Failed: true}, false}, // the window then applies to the failure
		{store.Query{Since: failure, Failed: true}, true},
		{store.Query{Since: failure}, false},
	} {
		if got := c.q.Matches(&s); got != c.want {
			t.Errorf("%+v matches: %v", c.q, got)
		}
	}
	if s.Failed = false; (store.Query{Failed: true}).Matches(&s) {
		t.Error("a query for failed traces matches one that did not fail")
	}
}
