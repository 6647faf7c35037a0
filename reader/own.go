package reader

import (
	"cmp"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// An origin tells which event a node has its name, its parent, its project,
// service and host from: the earliest start, or without a start the earliest
// stop, in whatever order they come.
type origin struct {
	at      moment
	half    osprofiler.Half
	payload string
	info    osprofiler.Info
	host    string // raw, where the back end declares it
}

// addOwn takes a notification for our own kind of report.
func (b *builder) addOwn(n *osprofiler.Notification) {
	op := b.op(b.ownOperation(n))
	e := Event{Name: n.Name, Payload: n.JSON()}
	if _, ok := op.named(n.Name); ok {
		if op.holds(e) {
			b.warn.note(duplicate, n.Name)
			return
		}
		op.repeated = true
	}
	var found *members
	if !n.Plain() {
		found = membersOf(e.Payload)
		b.noteMissing(found)
	}
	at := b.ownTime(n)
	half := n.Half()
	b.clock(at, half)
	if half == osprofiler.Stop {
		op.stop(at, n.Info)
	} else {
		op.sawStart = true
		op.started = earliest(op.started, at)
	}
	if len(op.node.Events) == 0 || op.from.yieldsTo(half, at, e.Payload) {
		op.from = origin{at: at, half: half, payload: e.Payload, info: n.Info}
		op.node.identify(n, found)
		op.node.Name = n.Operation()
		if b.declared.Host != nil {
			op.from.host, _ = b.declared.Host(n)
		}
	}
	b.addEvent(op, e)
}

// ownOperation finds the operation of a notification. Without a trace_id, what
// has the same name and parent belongs together.
func (b *builder) ownOperation(n *osprofiler.Notification) int32 {
	index, key := b.strings, n.TraceID
	if b.count > 0 && key != "" && b.op(b.latest).node.TraceID == key {
		return b.latest // what calls nothing stops right after it started
	}
	if key == "" {
		if b.others == nil {
			b.others = map[string]int32{}
		}
		index, key = b.others, n.Operation()+"\x00"+n.ParentID
	}
	i, ok := index[key]
	if !ok {
		i = b.newOperation()
		index[key] = i
	}
	b.latest = i
	return i
}

func (b *builder) ownTime(n *osprofiler.Notification) moment {
	t, err := n.Time()
	if err != nil {
		b.warn.note(badTime, n.Timestamp)
		return moment{}
	}
	return momentOf(t)
}

// stop takes a stop. The latest one counts, but a failing one before others.
func (op *operation) stop(at moment, info osprofiler.Info) {
	raw, ok := info.Get(keyEtype)
	failed := ok && raw != "null"
	node := op.node
	if !op.sawStop || failed && !node.Failed || failed == node.Failed && op.failedAt.yieldsTo(at, raw) {
		op.failedAt = exceptionOf{at, raw}
		node.Failed = failed
		node.setException(raw, ok)
	}
	op.sawStop = true
	op.stopped = latest(op.stopped, at)
}

// An exceptionOf is when and what the stop reported that Exception is from.
type exceptionOf struct {
	at  moment
	raw string
}

func (e exceptionOf) yieldsTo(at moment, raw string) bool {
	return cmp.Or(e.at.compare(at), cmp.Compare(e.raw, raw)) < 0
}

// yieldsTo tells whether a notification is the better origin.
func (o *origin) yieldsTo(half osprofiler.Half, at moment, payload string) bool {
	return cmp.Or(cmp.Compare(half, o.half), at.compare(o.at), cmp.Compare(payload, o.payload)) < 0
}

// noteMissing warns of members that upstream would fail without.
func (b *builder) noteMissing(found *members) {
	for i, key := range neededKeys {
		if found[i] == "" || found[i] == "null" && key == keyTraceID {
			b.warn.note(missingMember, key)
		}
	}
}

// finishOwn completes the nodes once all events are there.
func (b *builder) finishOwn() {
	for _, op := range b.operations() {
		b.setHost(op)
		op.fillIn()
		op.setTimes(b.first)
		if op.repeated {
			op.node.number()
			b.warn.note(repeatedName, op.node.label())
		}
		b.noteOddTimes(op)
	}
}

func (b *builder) setHost(op *operation) {
	raw := op.from.host
	if raw == "" && b.declared.Host == nil {
		raw, _ = op.from.info.Get(keyHost)
	}
	op.node.setHost(raw)
}

// setHost takes the raw JSON of a host; none is null.
func (n *Node) setHost(raw string) {
	n.Host = textOf(raw)
	if raw != "" && !plainly(raw) {
		n.setRaw(keyHost, raw)
	}
}

// fillIn takes from the other events what the origin did not say.
func (op *operation) fillIn() {
	n := op.node
	if n.Project != "" && n.Service != "" && n.ParentID != "" && n.Host != "" {
		return
	}
	for _, i := range n.inOrder() {
		fill := func(field *string, key, raw string) {
			if _, odd := n.raw(key); *field == "" && !odd && pyjson.KindOf(raw) == pyjson.String {
				*field = pyjson.Unquote(raw)
			}
		}
		for key, raw := range pyjson.Members(n.Events[i].Payload) {
			switch key {
			case keyProject:
				fill(&n.Project, key, raw)
			case keyService:
				fill(&n.Service, key, raw)
			case keyParentID:
				fill(&n.ParentID, key, raw)
			case keyInfo:
				host, _ := pyjson.Get(raw, keyHost)
				fill(&n.Host, keyHost, host)
			}
		}
	}
}

func (b *builder) noteOddTimes(op *operation) {
	n := op.node
	switch n.Incomplete {
	case NoStop:
		b.warn.note(noStop, n.label())
	case NoStart:
		b.warn.note(noStart, n.label())
	}
	if op.started.ok && op.stopped.ok && op.stopped.before(op.started) {
		b.warn.note(negative, n.label())
	}
	if n.Host == "" {
		b.warn.note(noHost, n.label())
	}
}
