package python

import (
	"fmt"
	"iter"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The keys of notifications and of the fields of nodes.
const (
	keyBaseID    = "base_id"
	keyName      = "name"
	keyProject   = "project"
	keyService   = "service"
	keyHost      = "host"
	keyTraceID   = "trace_id"
	keyParentID  = "parent_id"
	keyTimestamp = "timestamp"
	keyInfo      = "info"
	keyException = "exception"
	keyEtype     = "etype"
)

// BuildReport builds the report that the Python library builds from the notifications of one
// trace, in the order in which Python's driver yields them. It reads nothing else. If the
// library raises an exception, the error is an [*ExceptionError]. An error that wraps
// [*store.DamageError] becomes a warning. Any other error is returned.
func BuildReport(notifications iter.Seq2[osprofiler.Notification, error], opts ...Option) (*reader.Report, error) {
	c := config{}
	for _, opt := range opts {
		opt.apply(&c)
	}
	return buildReport(notifications, c.driver)
}

func buildReport(notifications iter.Seq2[osprofiler.Notification, error], driver store.PythonAnswers) (*reader.Report, error) {
	b := &builder{driver: driver, byID: map[string]*operation{}}
	for n, err := range notifications {
		if err != nil {
			if store.Ends(err) {
				return nil, err
			}
			b.addDamage(err)
			continue
		}
		b.notification = n // because n itself would escape to the heap for each notification
		b.number++
		if err := b.add(&b.notification); err != nil {
			return nil, err
		}
	}
	return b.report()
}

// A builder collects the operations of one trace, as the library's
// DriverBase does.
type builder struct {
	driver          store.PythonAnswers
	notification    osprofiler.Notification // the current notification
	number          int                     // of the current notification, from 1
	operations      []*operation            // in order of first appearance
	byID            map[string]*operation   // by trace_id
	byValue         map[string]*operation   // by trace_ids that are not strings; see keyOf
	operationBuffer []operation             // for the next operations
	eventBuffer     []reader.Event          // for their events

	baseID                 string
	first, last, lastStart time.Time
	hasStart               bool
	damage                 []string
	moreDamage             int
}

// add adds a notification to its operation. It makes its checks in the order of Python's
// drivers, so that the exception is the same.
func (b *builder) add(n *osprofiler.Notification) error {
	if b.number == 1 {
		b.baseID = n.BaseID
	}
	members, err := b.membersOf(n)
	if err != nil {
		return err
	}
	host, err := b.hostOf(n)
	if err != nil {
		return err
	}
	at, err := b.timeOf(n, members)
	if err != nil {
		return err
	}
	op, err := b.operationOf(n, members)
	if err != nil {
		return err
	}
	if len(op.node.Events) == 0 {
		op.identify(n, members, host)
	}
	payload := n.JSON()
	if b.driver.Payload != nil {
		payload = b.driver.Payload(n)
	}
	op.setEvent(reader.Event{Name: n.Name, Payload: payload})
	b.extendTrace(at, n.Half())
	return b.addHalf(op, n, payload, at)
}

// extendTrace extends the time of the trace to the time of an event.
func (b *builder) extendTrace(at time.Time, half osprofiler.Half) {
	if b.number == 1 || at.Before(b.first) {
		b.first = at
	}
	if b.number == 1 || at.After(b.last) {
		b.last = at
	}
	if half != osprofiler.Stop && (!b.hasStart || at.After(b.lastStart)) {
		b.lastStart, b.hasStart = at, true
	}
}

func (b *builder) addHalf(op *operation, n *osprofiler.Notification, payload string, at time.Time) error {
	if n.Half() != osprofiler.Stop {
		op.hasStart, op.started = true, at
		return nil
	}
	op.hasStop, op.stopped = true, at
	node := &op.node
	info, ok := pyjson.Get(payload, keyInfo)
	if !ok {
		node.SetFieldJSON(keyException, `"None"`)
		return nil
	}
	if pyjson.KindOf(info) != pyjson.Object {
		return b.raise(fmt.Sprintf("AttributeError: '%s' object has no attribute 'get'", pyjson.TypeName(info)))
	}
	etype, ok := pyjson.Get(info, keyEtype)
	node.Failed = ok && etype != "null"
	if !ok {
		etype = `"None"`
	}
	node.SetFieldJSON(keyException, etype)
	return nil
}

// addDamage adds a warning of an entry that cannot be read.
func (b *builder) addDamage(err error) {
	const most = 20
	if len(b.damage) < most {
		b.damage = append(b.damage, err.Error())
	} else {
		b.moreDamage++
	}
}
