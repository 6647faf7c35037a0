package reader

import (
	"math"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// setTimesFromEvents sets the base id and the exact times from the payloads.
func (r *Report) setTimesFromEvents() {
	var began instant
	for _, n := range r.Nodes() {
		for _, e := range n.Events {
			if r.BaseID == "" {
				raw, _ := pyjson.Get(e.Payload, "base_id")
				r.BaseID = textOf(raw)
			}
			began = earliest(began, e.time())
		}
	}
	r.Began = began.time()
	for _, n := range r.Nodes() {
		n.refine(began)
	}
}

func (e Event) time() instant {
	raw, _ := pyjson.Get(e.Payload, keyTimestamp)
	t, err := osprofiler.ParseTime(textOf(raw))
	if err != nil {
		return instant{}
	}
	return instantOf(t)
}

// refine sets the exact times from the payloads, if rounding them down gives the
// milliseconds of the node.
func (n *Node) refine(began instant) {
	var started, stopped instant
	for _, e := range n.Events {
		if e.Half() == osprofiler.Stop {
			stopped = latest(stopped, e.time())
		} else {
			started = earliest(started, e.time())
		}
	}
	if !started.ok {
		started = stopped
	}
	if !stopped.ok {
		stopped = started
	}
	whole := *n
	if n.setTimes(started, stopped, began); !started.ok || n.Started != whole.Started || n.Finished != whole.Finished {
		*n = whole
		n.Begin, n.End = saturated(n.Started), saturated(n.Finished)
	}
}

// saturated converts milliseconds to a duration of at most 292 years.
func saturated(ms int64) time.Duration {
	const most = int64(math.MaxInt64 / time.Millisecond)
	return time.Duration(min(max(ms, -most), most)) * time.Millisecond
}
