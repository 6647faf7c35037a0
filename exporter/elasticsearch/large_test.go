package elasticsearch_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A document over http.max_content_length is refused alone. The others are stored.
func TestLargeDocuments(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		url, index := newPlace(t, url)
		s := open(t, url)
		info := func(size int) string { return `{"host": "h", "text": "` + strings.Repeat("x", size) + `"}` }
		batch := []osprofiler.Notification{
			note("a-start", info(10)), note("b-start", info(2<<20)), note("c-start", info(101<<20)), note("d-start", info(3<<20)), note("e-start", info(4<<20)), note("f-start", info(10)),
		}
		err := writeAgain(t, s, batch)
		var e *store.WriteError
		if !errors.As(err, &e) || !slices.Equal(e.Refused, []int{2}) || !slices.Equal(e.Missing, []int{2}) || e.Transient {
			t.Fatalf("%v", err)
		}
		t.Log(err)
		checkStored(t, newBare(t, url), index, slices.Delete(batch, 2, 3))
	})
}

// Some proxies break the connection at a request that is too large.
func TestProxyBreaksLargeRequests(t *testing.T) {
	onPlain(t, func(t *testing.T, url string) {
		url, index := newPlace(t, url)
		proxy := testenv.NewProxy(t, host(url))
		proxy.LimitRequests(1 << 20)
		s := open(t, strings.Replace(url, host(url), proxy.Addr(), 1))
		var batch []osprofiler.Notification
		for i := range 40 {
			size := 60_000
			if i == 17 {
				size = 2 << 20
			}
			batch = append(batch, note("a-start", `{"host": "h", "text": "`+strings.Repeat("x", size)+`"}`))
		}
		err := writeAgain(t, s, batch)
		var e *store.WriteError
		if !errors.As(err, &e) || !slices.Equal(e.Refused, []int{17}) || !slices.Equal(e.Missing, []int{17}) {
			t.Fatalf("%v", err)
		}
		checkStored(t, newBare(t, url), index, slices.Delete(batch, 17, 18))
	})
}

// If the network breaks all large requests for a second, no notification is refused.
func TestShortFaultAtALargeNotification(t *testing.T) {
	url, index := newPlace(t, serverOf(testenv.Elasticsearch(t)))
	proxy := testenv.NewProxy(t, host(url))
	s := open(t, strings.Replace(url, host(url), proxy.Addr(), 1))
	batch := []osprofiler.Notification{note("a-start", `{"host": "h", "text": "`+strings.Repeat("x", 3<<20)+`"}`)}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	var ended sync.Once
	proxy.LimitRequests(1 << 20)
	proxy.AtCut(func() { ended.Do(func() { time.AfterFunc(time.Second, func() { proxy.LimitRequests(-1) }) }) })
	if err := writeAgain(t, s, batch); err != nil {
		t.Error(err)
	}
	checkStored(t, newBare(t, url), index, batch)
}

// host returns the host and the port of a connection string.
func host(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "?")
	return rest[strings.LastIndexByte(rest, '@')+1:]
}
