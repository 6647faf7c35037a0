package reader

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

// ParseReport reads a report that was saved as JSON, by the Python tool's
// `trace show --json` or by [Report.EncodeJSON]. EncodeJSON writes such a report
// as it was read, with its unknown members. The error names the operation that is
// wrong. It wraps [*osprofiler.SyntaxError] if the text is not JSON. Bytes that are
// not UTF-8 are read as U+FFFD.
func ParseReport(text string) (*Report, error) {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	raw, err := pyjson.One(text)
	if err != nil {
		return nil, fmt.Errorf("a saved report should be a JSON object: %w", err)
	}
	if pyjson.KindOf(raw) != pyjson.Object {
		return nil, fmt.Errorf("a saved report should be a JSON object, not %s", safetext.Quote(raw))
	}
	p := &reportParser{text: raw}
	r, err := p.parse()
	if err == nil {
		err = r.setFromSaved()
	}
	if err != nil {
		return nil, fmt.Errorf("this is no saved report: %w", err)
	}
	return r, nil
}

// setFromSaved sets the fields of the report from its saved members.
func (r *Report) setFromSaved() error {
	info, err := object(r.saved, keyInfo)
	if err != nil {
		return err
	}
	if r.Finished, err = milliseconds(info, keyFinished); err != nil {
		return err
	}
	if r.LastStarted, err = milliseconds(info, keyLastStarted); err != nil {
		return err
	}
	stats, err := object(r.saved, keyStats)
	if err != nil {
		return err
	}
	if err := r.setStats(stats); err != nil {
		return err
	}
	warnings, _ := get(r.saved, keyWarnings)
	for raw := range pyjson.Elements(warnings) {
		r.Warnings = append(r.Warnings, textOf(raw))
	}
	r.setTimesFromEvents()
	return nil
}

func (r *Report) setStats(stats string) error {
	index := map[string]int{}
	for name, raw := range pyjson.Members(stats) {
		count, err := milliseconds(raw, keyCount)
		if err != nil {
			return fmt.Errorf("the stats of %s: %w", safetext.Quote(name), err)
		}
		duration, err := milliseconds(raw, keyDuration)
		if err != nil {
			return fmt.Errorf("the stats of %s: %w", safetext.Quote(name), err)
		}
		if count == nil || duration == nil {
			return fmt.Errorf("the stats of %s should have a count and a duration, not %s", safetext.Quote(name), safetext.Quote(raw))
		}
		s := Stat{Name: name, Count: *count, Duration: *duration}
		if incomplete, err := milliseconds(raw, keyIncomplete); err == nil && incomplete != nil {
			s.Incomplete = *incomplete
		}
		if i, repeated := index[name]; repeated {
			r.Stats[i] = s
			continue
		}
		index[name] = len(r.Stats)
		r.Stats = append(r.Stats, s)
	}
	return nil
}

// milliseconds returns a member that should be a whole number or null. It is nil
// if the member is null or missing.
func milliseconds(object, key string) (*int64, error) {
	raw, ok := pyjson.Get(object, key)
	if !ok || raw == "null" {
		return nil, nil
	}
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q should be a whole number, not %s", key, safetext.Quote(raw))
	}
	return &n, nil
}

// setFromSaved sets the fields of the node from its saved members.
func (n *Node) setFromSaved() (err error) {
	info, err := object(n.saved, keyInfo)
	if err != nil {
		return err
	}
	n.setOdd(keyService, "")
	for key, raw := range pyjson.Members(info) {
		n.setInfoMember(key, raw)
	}
	for _, m := range n.saved {
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

func (n *Node) setInfoMember(key, raw string) {
	switch key {
	case keyName:
		n.Name = textOf(raw)
	case keyProject:
		n.Project = textOf(raw)
	case keyService:
		n.Service = textOf(raw)
		n.setOdd(keyService, raw)
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

// eventOf removes "#2" from the name of an event if the payload shows that the
// number is ours.
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

// inferIncomplete sets Incomplete from the events, because the Python library's
// reports do not contain it.
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

func get(members []member, key string) (raw string, ok bool) {
	for _, m := range members {
		if m.key == key {
			return m.raw, true
		}
	}
	return "", false
}

// object returns a member that has to be an object.
func object(members []member, key string) (raw string, err error) {
	raw, ok := get(members, key)
	if !ok {
		return "", fmt.Errorf("%q is missing", key)
	}
	if pyjson.KindOf(raw) != pyjson.Object {
		return "", fmt.Errorf("%q should be an object, not %s", key, safetext.Quote(raw))
	}
	return raw, nil
}
