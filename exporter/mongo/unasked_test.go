package mongo_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/mongo"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A rewriter is a proxy that replaces a text of the client's messages with another
// one of the same length.
type rewriter struct{ texts atomic.Pointer[[2]string] }

func (r *rewriter) start(t *testing.T, target string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", target)
			if err != nil {
				_ = client.Close()
				return
			}
			go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
			go func() { r.requests(server, client); _ = server.Close() }()
		}
	}()
	return l.Addr().String()
}

func (r *rewriter) requests(server io.Writer, client io.Reader) {
	room := make([]byte, 1<<20) // for a whole message
	for {
		n, err := client.Read(room)
		message := room[:n]
		if texts := r.texts.Load(); texts != nil {
			message = bytes.ReplaceAll(message, []byte(texts[0]), []byte(texts[1]))
		}
		if _, failed := server.Write(message); failed != nil || err != nil {
			return
		}
	}
}

// A document that was not requested is an error of the feed and not a panic, because a
// server may have its own order.
func TestFeedOfUnaskedDocuments(t *testing.T) {
	for _, c := range []struct {
		name   string
		texts  [2]string
		resume bool // which compares what was yielded first
	}{
		{"in front of new ones", [2]string{"$gt\x00", "$ne\x00"}, false},
		{"behind those that are compared", [2]string{"$lte\x00", "$gte\x00"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := testenv.MongoDB(t)
			_, database := split(url)
			var r rewriter
			addr := r.start(t, strings.TrimSuffix(strings.TrimPrefix(first(url), "mongodb://"), "/"))
			s := open(t, "mongodb://"+addr+"/?directConnection=true&db_name="+database)
			mongo.WithoutChangeStreams(s)
			events, clock := bare(t, url).Collection("profiler"), time.Now()
			mustInsert(t, events, "a", clock, 50)
			f := follow(t, s, "")
			if ids := poll(t, f); len(ids) != 50 {
				t.Fatalf("%d notifications", len(ids))
			}
			if c.resume {
				f = follow(t, s, f.Cursor())
			}
			mustInsert(t, events, "b", clock.Add(time.Hour), 2)
			r.texts.Store(&c.texts)
			var failed error
			for _, err := range f.Poll(t.Context()) {
				if failed = err; err != nil {
					break
				}
			}
			if failed == nil || !strings.Contains(failed.Error(), "answers with a document that was not asked for, with the _id ") {
				t.Errorf("%v", failed)
			}
		})
	}
}
