package messaging_test

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

func TestStoreOnKafka(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Place: func(t testing.TB) string {
			// A group of its own: the members of other tests come and go, and each time the
			// group may deliver again. The time is for a busy machine.
			url := testenv.Kafka(t)
			return url + "?osp_timeout=60&consumer_group=" + path.Base(url)
		},
		Unreachable: func(t testing.TB) string { return "kafka://" + testenv.ClosedPort(t) + "/" },
		OptOut:      notOnABus,
	})
}

// A trace that our writer forwards is in one partition, so that both halves of each of its
// operations reach the same one of two relays.
func TestHalvesReachOneRelay(t *testing.T) {
	url := testenv.Kafka(t)
	testenv.KafkaAPI(t, url).CreateTopic("profiler.info."+path.Base(url), 4, 1)
	const traces, operations = 60, 5
	var (
		relays [2]relayOf
		left   atomic.Int64
	)
	left.Store(2 * traces * operations)
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	var done sync.WaitGroup
	for i := range relays {
		s := openPatiently(t, url+"?idle_timeout=600")
		relays[i].got, relays[i].joined, relays[i].left = map[string]int{}, make(chan struct{}), &left
		done.Go(func() { relays[i].take(ctx, t, s, stop) })
	}
	writer := openPatiently(t, url)
	writeMarkers(t, writer, relays[0].joined, relays[1].joined)
	for _, half := range []string{"start", "stop"} {
		var batch []osprofiler.Notification
		for range operations {
			for trace := range traces {
				batch = append(batch, notification(fmt.Sprint("trace-", trace), half))
			}
		}
		if err := writer.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	done.Wait()
	first, second := relays[0].got, relays[1].got
	for base, count := range first {
		if second[base] > 0 || count != 2*operations {
			t.Errorf("of the trace %s, one relay got %d notifications and the other %d", base, count, second[base])
		}
	}
	if len(first)+len(second) != traces || len(first) == 0 || len(second) == 0 {
		t.Errorf("the relays got %d and %d traces", len(first), len(second))
	}
}

// A relayOf takes notifications from a bus.
type relayOf struct {
	got    map[string]int // by base id, without markers
	joined chan struct{}  // closed when the first marker has come
	left   *atomic.Int64  // the number of notifications that no relay has received
}

const marker = "marker"

// take calls stop when the relays together have all notifications.
func (r *relayOf) take(ctx context.Context, t *testing.T, s *store.Store, stop func()) {
	c, err := s.Consume(t.Context())
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	joined := sync.OnceFunc(func() { close(r.joined) })
	for n, err := range c.Take(ctx) {
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			t.Error(err)
		case strings.HasPrefix(n.BaseID, marker):
			joined()
		default:
			if r.got[n.BaseID]++; r.left.Add(-1) == 0 {
				stop()
			}
		}
		if err := c.Acknowledge(t.Context(), c.Position()); err != nil {
			t.Error(err)
		}
	}
}

// writeMarkers writes notifications for all partitions until both relays have some.
func writeMarkers(t *testing.T, s *store.Store, relays ...<-chan struct{}) {
	t.Helper()
	for _, joined := range relays {
		for deadline := time.Now().Add(2 * time.Minute); ; {
			var batch []osprofiler.Notification
			for i := range 40 {
				batch = append(batch, notification(fmt.Sprint(marker, i), "start"))
			}
			if err := s.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			select {
			case <-joined:
			case <-time.After(300 * time.Millisecond):
				if time.Now().After(deadline) {
					t.Fatal("a relay got nothing")
				}
				continue
			}
			break
		}
	}
}

func notification(base, half string) osprofiler.Notification {
	return osprofiler.Notification{
		Name: "db-" + half, BaseID: base, TraceID: osprofiler.NewID(), ParentID: base, Timestamp: "2024-05-06T07:08:09.000010",
		Info: osprofiler.Info(`{"host": "h"}`), Project: "nova", Service: "api",
	}
}

// notOnABus are the rules of storetest that no bus can follow.
var notOnABus = map[string]string{
	"feed":                   noFeed,
	"feed-growing-traces":    noFeed,
	"feed-left-early":        noFeed,
	"feed-resumed":           noFeed,
	"feed-foreign-cursor":    noFeed,
	"feed-while-writing":     noFeed,
	"feed-empty":             noFeed,
	"feed-cancelled":         noFeed,
	"deleted-while-followed": noFeed,
	"delete":                 noDelete,
	"delete-many":            noDelete,
	"delete-many-wrapped":    noDelete,
}

const (
	noFeed   = "a bus is followed by consuming"
	noDelete = "a message of a bus cannot be deleted"
)
