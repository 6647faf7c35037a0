package reader

import (
	"cmp"
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
// `trace show --json` (of any version) or by [Report.EncodeJSON]. EncodeJSON writes
// such a report as it was read, with its unknown members.
//
// ParseReport is lenient, as the Python tool is. A report is a JSON object with a list
// "children". Every other member may be missing. Missing stats are computed from the tree,
// because osprofiler before 1.4.0 saved none. A member of an unexpected type counts as
// missing, and Warnings name it. The error wraps [*osprofiler.SyntaxError] if the text is not
// JSON. Bytes that are not UTF-8 are read as U+FFFD. A byte order mark is skipped.
// ParseReport also reads the report in a page of package reader/render/html, and in a page
// that the Python tool saved with --html. A page that was cut off, or any other page, is an
// error.
func ParseReport(text string) (*Report, error) {
	text = strings.TrimPrefix(text, "\uFEFF")
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	text, err := embedded(text)
	if err != nil {
		return nil, err
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
	if err != nil {
		return nil, fmt.Errorf("this is no saved report: %w", err)
	}
	r.setFromSaved(&p.oddities)
	r.Warnings = append(r.Warnings, p.oddities.sentences()...)
	if p.isIrregular {
		r.verbatim = raw
	}
	return r, nil
}

// setFromSaved sets the fields of the report from its saved members.
func (r *Report) setFromSaved(odd *oddities) {
	const owner = "the report"
	info := odd.object(owner, r.saved, keyInfo)
	r.Finished = odd.milliseconds(owner, info, keyFinished)
	r.LastStarted = odd.milliseconds(owner, info, keyLastStarted)
	if stats := odd.object(owner, r.saved, keyStats); stats == "" || !r.setStats(stats) {
		r.Stats = r.statsOfTree()
		if stats != "" {
			odd.add("the stats of the report should have a count and a duration for each name; they are computed from the tree")
		}
	}
	warnings, _ := get(r.saved, keyWarnings)
	for raw := range pyjson.Elements(warnings) {
		r.Warnings = append(r.Warnings, textOf(raw))
	}
	r.setTimesFromEvents()
}

// setStats sets the saved stats. It returns false if they are not complete.
func (r *Report) setStats(stats string) (ok bool) {
	index := map[string]int{}
	for name, raw := range pyjson.Members(stats) {
		count, err := milliseconds(raw, keyCount)
		duration, errDuration := milliseconds(raw, keyDuration)
		if err != nil || errDuration != nil || count == nil || duration == nil {
			return false
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
	return true
}

// statsOfTree sums up the operations of the tree by name.
func (r *Report) statsOfTree() []Stat {
	sums := newStatSums()
	for _, n := range r.Nodes() {
		sums.add(n)
	}
	return sums.stats
}

// setFromSaved sets the fields of the node from its saved members.
func (n *Node) setFromSaved(odd *oddities) {
	n.setOdd(keyService, "")
	for _, m := range n.saved {
		switch m.key {
		case keyTraceID:
			n.TraceID = textOf(m.raw)
		case keyParentID:
			n.ParentID = textOf(m.raw)
		}
	}
	owner := n.savedLabel()
	info := odd.object(owner, n.saved, keyInfo)
	for key, raw := range pyjson.Members(info) {
		n.setInfoMember(key, raw)
	}
	started, finished := odd.milliseconds(owner, info, keyStarted), odd.milliseconds(owner, info, keyFinished)
	switch {
	case started == nil && finished == nil:
	case finished == nil:
		finished, n.Incomplete = started, cmp.Or(n.Incomplete, NoStop)
	case started == nil:
		started, n.Incomplete = finished, cmp.Or(n.Incomplete, NoStart)
	}
	if n.Timed = started != nil; n.Timed {
		n.Started, n.Finished = *started, *finished
	}
	n.inferIncomplete()
}

// savedLabel names the operation in a warning.
func (n *Node) savedLabel() string {
	if raw, ok := get(n.saved, keyTraceID); ok {
		return "the operation " + safetext.Quote(textOf(raw))
	}
	return "an operation without trace_id"
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
		switch known := Incomplete(textOf(raw)); known {
		case NoStart, NoStop, NoTime: // the meaning of any other text is not known
			n.Incomplete = known
		}
	default:
		if name, ok := strings.CutPrefix(key, payloadKey); ok {
			n.Events = append(n.Events, eventOf(name, raw))
		}
	}
}

// eventOf removes a number such as "#2" from the name of an event if the payload shows that
// [Report.EncodeJSON] has added it.
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
