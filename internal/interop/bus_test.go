package interop

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// idleTimeout is the time in seconds that Python's reader waits for a message. Python's
// default of 1 is too short for a busy machine, and for Kafka, where the first poll takes
// up to 5 s.
const idleTimeout = 8

// idleTimeoutOfKafka is long enough for the first poll and a pause of the machine.
const idleTimeoutOfKafka = 12

// transport returns the connection string of Python's driver for a transport URL, in
// the form that testdata/matrix.py reads.
func transport(_ *testing.T, transportURL string) string {
	idle := idleTimeout
	if strings.HasPrefix(transportURL, "kafka:") {
		idle = idleTimeoutOfKafka
	}
	return fmt.Sprintf("messaging://?transport_url=%s&idle_timeout=%d", url.QueryEscape(transportURL), idle)
}

// A place is a part of a bus with a trace that Python reports on.
type place struct {
	at     string  // the connection string for Python
	write  []trace // what Python writes first
	baseID string
}

// ownHosts returns a virtual host for each trace, with another trace beside it. If
// Python does not write the traces, our writer has written them, as often as to the
// store.
func ownHosts(t *testing.T, r *row, _ string, read []trace, pythonWrites bool) (all []place) {
	t.Helper()
	for i, tr := range read {
		at, both := r.open(t), []trace{read[(i+1)%len(read)], tr}
		p := place{at: r.python(t, at), baseID: tr.baseID}
		if pythonWrites {
			p.write = both
		} else {
			for range r.written {
				writeTraces(t, at, both)
			}
		}
		all = append(all, p)
	}
	return all
}

// ownGroups returns a consumer group for each trace, which begins with the oldest
// message of the topic.
func ownGroups(t *testing.T, r *row, at string, read []trace, _ bool) (all []place) {
	t.Helper()
	for i, tr := range read {
		group := fmt.Sprintf("reader-%d-%d", r.written, i)
		beginAtOldest(t, at, group)
		all = append(all, place{at: r.python(t, with(at, "consumer_group="+group)), baseID: tr.baseID})
	}
	return all
}

// beginAtOldest makes a consumer group that has read nothing yet.
func beginAtOldest(t *testing.T, at, group string) {
	t.Helper()
	testenv.KafkaAPI(t, at).Do(func(ctx context.Context, c *kadm.Client) error {
		starts, err := c.ListStartOffsets(ctx, queue)
		if err != nil {
			return err
		}
		return c.CommitAllOffsets(ctx, group, starts.Offsets())
	})
}

// listOfPlaces returns places as JSON for testdata/matrix.py.
func listOfPlaces(places []place) string {
	texts := make([]string, len(places))
	for i, p := range places {
		texts[i] = fmt.Sprintf(`{"at": %q, "base_id": %q, "write": %s}`, p.at, p.baseID, listOf(p.write)) // the strings are plain ASCII
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
