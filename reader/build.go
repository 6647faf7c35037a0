package reader

import (
	"iter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// BuildReport builds the report of one trace from its notifications, in the
// order in which the back end yields them. It reads nothing else. An error that
// wraps [*store.DamageError] becomes a warning. Any other error is returned. Without
// notifications the report is empty. Nothing that a notification contains is an
// error.
func BuildReport(notifications iter.Seq2[osprofiler.Notification, error], opts ...ReportOption) (*Report, error) {
	c := config{}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return buildReport(notifications, c.host)
}

func buildReport(notifications iter.Seq2[osprofiler.Notification, error], host hostFunc) (*Report, error) {
	b := &builder{host: host}
	for n, err := range notifications {
		if err != nil {
			if store.Ends(err) {
				return nil, err
			}
			b.warnings.add(damagedEntry, err.Error())
			continue
		}
		b.notification = n // because n itself would escape to the heap for each notification
		b.add(&b.notification)
	}
	return b.report(), nil
}

// A builder collects the operations of one trace.
type builder struct {
	host         hostFunc
	notification osprofiler.Notification // the current notification
	operations                           // in order of first appearance
	byTraceID    idIndex                 // the operations with a trace_id
	byName       map[string]int32        // the operations without a trace_id, by name and parent
	current      int32                   // the operation of the last notification

	baseID                 string
	first, last, lastStart instant
	warnings               warnings
	hasNotifications       bool
}

// add adds a notification to its operation.
func (b *builder) add(n *osprofiler.Notification) {
	if !b.hasNotifications {
		b.baseID, b.hasNotifications = n.BaseID, true
	}
	op := b.at(b.operationOf(n))
	e := Event{Name: n.Name, Payload: n.JSON()}
	if _, repeated := op.eventNamed(n.Name); repeated {
		if op.hasEqualEvent(e) {
			b.warnings.add(duplicate, n.Name)
			return
		}
		op.hasRepeatedName = true
	}
	var members *neededMembers
	if !n.Plain() {
		members = neededMembersOf(e.Payload)
		b.warnOfMissing(members)
	}
	at := b.timeOf(n)
	half := n.Half()
	b.extendTrace(at, half)
	op.addHalf(half, at, n.Info)
	if len(op.node.Events) == 0 || op.origin.isReplacedBy(half, at, e.Payload) {
		op.origin = origin{at: at, half: half, payload: e.Payload, info: n.Info}
		op.node.identify(n, members)
		op.node.Name = n.Operation()
		if b.host != nil {
			op.origin.host, _ = b.host(n)
		}
	}
	b.addEvent(op, e)
}

// operationOf returns the index of the operation of a notification. If the notification is
// the operation's first, it adds the operation. Notifications without a trace_id belong to
// one operation if their names and parents agree.
func (b *builder) operationOf(n *osprofiler.Notification) int32 {
	if n.TraceID == "" {
		b.current = b.withoutTraceID(n.Operation() + "\x00" + n.ParentID)
		return b.current
	}
	if b.count > 0 {
		// Most notifications follow a notification of the same operation, of its parent or of
		// its sibling. So their ids are compared first, without a lookup in the index.
		latest := b.at(b.current)
		if latest.node.TraceID == n.TraceID {
			return b.current
		}
		if p := latest.parent; p != none && b.at(p).node.TraceID == n.TraceID {
			b.current = p
			return p
		}
	}
	hash := b.byTraceID.hash(n.TraceID)
	i, ok := b.byTraceID.find(hash, func(i int32) bool { return b.at(i).node.TraceID == n.TraceID })
	if !ok {
		i = b.newOperation()
		b.at(i).parent = b.probableParent(n.ParentID)
		b.byTraceID.add(hash, i)
	}
	b.current = i
	return i
}

// probableParent returns the current operation or its parent if it has the id.
func (b *builder) probableParent(id string) int32 {
	if b.count == 1 || id == "" { // there is only the new operation
		return none
	}
	latest := b.at(b.current)
	switch {
	case latest.node.TraceID == id:
		return b.current
	case latest.parent != none && latest.node.ParentID == id:
		return latest.parent
	}
	return none
}

func (b *builder) withoutTraceID(key string) int32 {
	i, ok := b.byName[key]
	if !ok {
		if b.byName == nil {
			b.byName = map[string]int32{}
		}
		i = b.newOperation()
		b.byName[key] = i
	}
	return i
}

func (b *builder) timeOf(n *osprofiler.Notification) instant {
	t, err := n.Time()
	if err != nil {
		b.warnings.add(badTime, n.Timestamp)
		return instant{}
	}
	return instantOf(t)
}

// extendTrace extends the time of the trace to the time of an event.
func (b *builder) extendTrace(at instant, half osprofiler.Half) {
	b.first = earliest(b.first, at)
	b.last = latest(b.last, at)
	if half != osprofiler.Stop {
		b.lastStart = latest(b.lastStart, at)
	}
}

// warnOfMissing warns of missing members and of a trace_id that is null.
func (b *builder) warnOfMissing(members *neededMembers) {
	for i, key := range neededKeys {
		if members[i] == "" || members[i] == "null" && key == keyTraceID {
			b.warnings.add(missingMember, key)
		}
	}
}

// report completes the operations and returns the report.
func (b *builder) report() *Report {
	r := &Report{BaseID: b.baseID, Began: b.first.time()}
	if b.first.ok {
		r.Finished = new(b.last.millisecondsSince(b.first))
	}
	if b.lastStart.ok {
		r.LastStarted = new(b.lastStart.millisecondsSince(b.first))
	}
	for _, op := range b.all() {
		b.complete(op)
	}
	b.findParents()
	b.breakCycles()
	r.Stats = b.stats()
	r.Children = b.tree()
	r.Warnings = b.warnings.sentences()
	return r
}

// complete completes the node of an operation once all its events are there.
func (b *builder) complete(op *operation) {
	n := op.node
	raw := op.origin.host
	if b.host == nil {
		raw, _ = op.origin.info.Get(keyHost)
	}
	n.SetFieldJSON(keyHost, raw)
	op.fillIn()
	op.setTimes(b.first)
	if op.hasRepeatedName {
		n.numberEvents()
		b.warnings.add(repeatedName, n.label())
	}
	switch n.Incomplete {
	case NoStop:
		b.warnings.add(noStop, n.label())
	case NoStart:
		b.warnings.add(noStart, n.label())
	}
	if op.started.ok && op.stopped.ok && op.stopped.before(op.started) {
		b.warnings.add(negative, n.label())
	}
	if n.Host == "" {
		b.warnings.add(noHost, n.label())
	}
}

// stats sums up the operations by name.
func (b *builder) stats() []Stat {
	sums := newStatSums()
	for _, op := range b.all() {
		sums.add(op.node)
	}
	return sums.stats
}
