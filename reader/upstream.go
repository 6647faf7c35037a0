package reader

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// An UpstreamError says that the Python library fails at a notification, so
// that upstream's answer is this failure.
type UpstreamError struct {
	Notification int    // which one of the trace, from 1; 0: it shows only at the end
	Name         string // the notification's name or the operation's id
	Python       string // the exception as Python prints it: type, colon, message
}

// Error implements error.
func (e *UpstreamError) Error() string {
	where := "notification " + strconv.Itoa(e.Notification) + " of the trace, " + quote(e.Name)
	if e.Notification == 0 {
		where = "the operation " + quote(e.Name)
	}
	return "upstream's report fails at " + where + ", with " + e.Python +
		"; without upstream's answers the trace can be read"
}

func (b *builder) fail(python string) error {
	return &UpstreamError{Notification: b.number, Name: b.n.Name, Python: python}
}

// sqlDriver is upstream's driver that reads columns, which are null rather
// than missing.
const sqlDriver = "sqlalchemy"

// addUpstream does with a notification what upstream's drivers do, in their order.
func (b *builder) addUpstream(n *osprofiler.Notification) error {
	text := n.JSON()
	var found *members
	if !n.Plain() {
		found = membersOf(text)
		if err := b.checkMembers(found); err != nil {
			return err
		}
	}
	host, err := b.upstreamHost(n)
	if err != nil {
		return err
	}
	at, err := b.upstreamTime(n, found)
	if err != nil {
		return err
	}
	i, err := b.upstreamOperation(n, found)
	if err != nil {
		return err
	}
	op := b.op(i)
	if len(op.node.Events) == 0 {
		op.node.identify(n, found)
		op.node.Name, _, _ = strings.Cut(n.Name, "-")
		op.node.setHost(host)
	}
	payload := text
	if b.declared.Payload != nil {
		payload = b.declared.Payload(n)
	}
	if place, ok := op.named(n.Name); ok {
		op.node.Events[place].Payload = payload
	} else {
		b.addEvent(op, Event{Name: n.Name, Payload: payload})
	}
	return b.upstreamHalf(op, n, payload, at)
}

// upstreamHalf takes the half: of several the last to come counts.
func (b *builder) upstreamHalf(op *operation, n *osprofiler.Notification, payload string, at moment) error {
	half := n.Half()
	b.clock(at, half)
	if half != osprofiler.Stop {
		op.sawStart, op.started = true, at
		return nil
	}
	op.sawStop, op.stopped = true, at
	raw, hasInfo := pyjson.Get(payload, keyInfo)
	if !hasInfo {
		op.node.setException("", false)
		return nil
	}
	if pyjson.KindOf(raw) != pyjson.Object {
		return b.fail(fmt.Sprintf("AttributeError: '%s' object has no attribute 'get'", pyjson.TypeName(raw)))
	}
	etype, ok := pyjson.Get(raw, keyEtype)
	op.node.setException(etype, ok)
	op.node.Failed = ok && etype != "null"
	return nil
}

func (b *builder) checkMembers(found *members) error {
	for i, key := range neededKeys {
		switch {
		case found[i] != "":
		case b.declared.Driver == sqlDriver:
			found[i] = "null"
		case key != keyTimestamp: // which upstream looks for after the host
			return b.fail("KeyError: '" + key + "'")
		}
	}
	return nil
}

// upstreamHost returns the raw host, which upstream needs of every notification.
func (b *builder) upstreamHost(n *osprofiler.Notification) (raw string, err error) {
	if b.declared.Host != nil {
		raw, ok := b.declared.Host(n)
		if !ok && b.declared.Driver != sqlDriver {
			return "", b.fail("KeyError: 'host'")
		}
		return raw, nil
	}
	raw, python := pyjson.Subscript(cmp.Or(string(n.Info), "{}"), keyHost)
	if python != "" {
		return "", b.fail(python)
	}
	return raw, nil
}

func (b *builder) upstreamTime(n *osprofiler.Notification, found *members) (moment, error) {
	if found != nil {
		raw := found.get(keyTimestamp)
		if raw == "" {
			return moment{}, b.fail("KeyError: 'timestamp'")
		}
		if pyjson.KindOf(raw) != pyjson.String {
			name := strings.TrimSuffix(pyjson.TypeName(raw), "Type") // NoneType is None here
			return moment{}, b.fail("TypeError: strptime() argument 1 must be str, not " + name)
		}
	}
	at, python := strptime(n.Timestamp)
	if python != "" {
		return at, b.fail(python)
	}
	return at, nil
}

func (b *builder) upstreamOperation(n *osprofiler.Notification, found *members) (int32, error) {
	raw := ""
	if found != nil {
		raw = found.get(keyTraceID)
	}
	index, key, python := b.upstreamKey(n.TraceID, raw)
	if python != "" {
		return 0, b.fail(python)
	}
	if i, ok := index[key]; ok {
		if found != nil && pyjson.KindOf(found.get(keyName)) != pyjson.String {
			return 0, b.fail(fmt.Sprintf("AttributeError: '%s' object has no attribute 'endswith'", pyjson.TypeName(found.get(keyName))))
		}
		return i, nil
	}
	if found != nil && pyjson.KindOf(found.get(keyName)) != pyjson.String {
		return 0, b.fail(fmt.Sprintf("AttributeError: '%s' object has no attribute 'split'", pyjson.TypeName(found.get(keyName))))
	}
	i := b.newOperation()
	index[key] = i
	return i, nil
}

// upstreamKey tells under which key of which index an id stands, if ids are
// equal as Python's values are: 1, 1.0 and true are one id, "1" is another.
// raw is empty for a plain text.
func (b *builder) upstreamKey(text, raw string) (index map[string]int32, key, python string) {
	if raw == "" || pyjson.KindOf(raw) == pyjson.String {
		return b.strings, text, ""
	}
	if b.others == nil {
		b.others = map[string]int32{}
	}
	switch pyjson.KindOf(raw) {
	case pyjson.Array, pyjson.Object:
		return nil, "", fmt.Sprintf("TypeError: unhashable type: '%s'", pyjson.TypeName(raw))
	case pyjson.Number:
		key = numberKey(raw)
	case pyjson.Bool:
		key = map[string]string{"true": "1", "false": "0"}[raw]
	default:
		key = raw
	}
	return b.others, key, ""
}

// numberKey writes a raw number so that equal ones are written alike. NaN
// counts as one too: Python's json module makes one object of all of them.
func numberKey(raw string) string {
	if n, ok := new(big.Int).SetString(raw, 10); ok {
		return n.String()
	}
	f, err := strconv.ParseFloat(raw, 64)
	switch {
	case err != nil && !math.IsInf(f, 0), math.IsNaN(f):
		return "nan"
	case f == math.Trunc(f) && !math.IsInf(f, 0):
		n, _ := big.NewFloat(f).Int(nil)
		return n.String()
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func (b *builder) finishUpstream() {
	for _, op := range b.operations() {
		op.setTimes(b.first)
	}
}

// linkUpstream finds the parents as upstream does, which leaves cycles and all
// that is under them unreachable from the top.
func (b *builder) linkUpstream() error {
	for _, op := range b.operations() {
		raw, odd := op.node.raw(keyParentID)
		if !odd && op.node.ParentID == "" {
			raw = "null"
		}
		index, key, python := b.upstreamKey(op.node.ParentID, raw)
		if python != "" {
			return &UpstreamError{Name: op.node.label(), Python: python}
		}
		if parent, ok := index[key]; ok {
			op.parent = parent
		}
	}
	return nil
}
