package reader

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// understand fills the report's fields from what was found.
func (r *Report) understand() error {
	info, err := object(r.found, keyInfo)
	if err != nil {
		return err
	}
	if r.Finished, err = milliseconds(info, keyFinished); err != nil {
		return err
	}
	if r.LastStarted, err = milliseconds(info, keyLastStarted); err != nil {
		return err
	}
	stats, err := object(r.found, keyStats)
	if err != nil {
		return err
	}
	if err := r.takeStats(stats); err != nil {
		return err
	}
	warnings, _ := get(r.found, keyWarnings)
	for raw := range pyjson.Elements(warnings) {
		r.Warnings = append(r.Warnings, textOf(raw))
	}
	r.dateFromEvents()
	return nil
}

func (r *Report) takeStats(stats string) error {
	at := map[string]int{}
	for name, raw := range pyjson.Members(stats) {
		count, err := milliseconds(raw, keyCount)
		if err != nil {
			return fmt.Errorf("the stats of %s: %w", quote(name), err)
		}
		duration, err := milliseconds(raw, keyDuration)
		if err != nil {
			return fmt.Errorf("the stats of %s: %w", quote(name), err)
		}
		if count == nil || duration == nil {
			return fmt.Errorf("the stats of %s should have a count and a duration, not %s", quote(name), quote(raw))
		}
		s := Stat{Name: name, Count: *count, Duration: *duration}
		if incomplete, err := milliseconds(raw, keyIncomplete); err == nil && incomplete != nil {
			s.Incomplete = *incomplete
		}
		if i, again := at[name]; again {
			r.Stats[i] = s
			continue
		}
		at[name] = len(r.Stats)
		r.Stats = append(r.Stats, s)
	}
	return nil
}

// milliseconds returns a member that should be a whole number or null.
func milliseconds(object, key string) (*int64, error) {
	raw, ok := pyjson.Get(object, key)
	if !ok || raw == "null" {
		return nil, nil
	}
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q should be a whole number, not %s", key, quote(raw))
	}
	return &n, nil
}

// understand fills the node's fields from what was found.
func (n *Node) understand() (err error) {
	info, err := object(n.found, keyInfo)
	if err != nil {
		return err
	}
	n.setRaw(keyService, "")
	for key, raw := range pyjson.Members(info) {
		n.takeInfo(key, raw)
	}
	for _, m := range n.found {
		switch m.key {
		case keyTraceID:
			n.TraceID = textOf(m.raw)
		case keyParentID:
			n.ParentID = textOf(m.raw)
		}
	}
	started, err := milliseconds(info, keyStarted)
	if err != nil {
		return err
	}
	finished, err := milliseconds(info, keyFinished)
	if err != nil {
		return err
	}
	if (started == nil) != (finished == nil) {
		return errors.New(`"started" and "finished" should both be there or both be null`)
	}
	if n.Timed = started != nil; n.Timed {
		n.Started, n.Finished = *started, *finished
	}
	n.inferIncomplete()
	return nil
}

func (n *Node) takeInfo(key, raw string) {
	switch key {
	case keyName:
		n.Name = textOf(raw)
	case keyProject:
		n.Project = textOf(raw)
	case keyService:
		n.Service = textOf(raw)
		n.setRaw(keyService, raw)
	case keyHost:
		n.Host = textOf(raw)
	case keyException:
		n.Exception = textOf(raw)
		n.Failed = raw != "null" && n.Exception != "None"
	case keyIncomplete:
		n.Incomplete = Incomplete(textOf(raw))
	default:
		if name, ok := strings.CutPrefix(key, payloadKey); ok {
			n.Events = append(n.Events, eventOf(name, raw))
		}
	}
}

// eventOf takes "#2" off a name, where the payload tells that it is ours.
func eventOf(name, payload string) Event {
	e := Event{Name: name, Payload: payload}
	if i := strings.LastIndexByte(name, '#'); i > 0 {
		nth, err := strconv.Atoi(name[i+1:])
		raw, _ := pyjson.Get(payload, keyName)
		if err == nil && nth > 1 && textOf(raw) == name[:i] {
			e.Name, e.Nth = name[:i], nth
		}
	}
	return e
}

// inferIncomplete tells from the events what upstream's reports do not.
func (n *Node) inferIncomplete() {
	if !n.Timed {
		n.Incomplete = NoTime
	}
	if n.Incomplete != Complete || len(n.Events) == 0 {
		return
	}
	if !slices.ContainsFunc(n.Events, func(e Event) bool { return e.Half() == osprofiler.Stop }) {
		n.Incomplete = NoStop
	} else if !slices.ContainsFunc(n.Events, func(e Event) bool { return e.Half() == osprofiler.Start }) {
		n.Incomplete = NoStart
	}
}

// dateFromEvents finds the trace's base id and its times in the payloads.
func (r *Report) dateFromEvents() {
	var began moment
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

func (e Event) time() moment {
	raw, _ := pyjson.Get(e.Payload, keyTimestamp)
	t, err := osprofiler.ParseTime(textOf(raw))
	if err != nil {
		return moment{}
	}
	return momentOf(t)
}

// refine takes the exact times from the payloads, if they are those that were
// cut off to the node's milliseconds.
func (n *Node) refine(began moment) {
	var started, stopped moment
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

// saturated turns milliseconds into a duration, of 292 years at most.
func saturated(ms int64) time.Duration {
	const most = int64(math.MaxInt64 / time.Millisecond)
	return time.Duration(min(max(ms, -most), most)) * time.Millisecond
}
