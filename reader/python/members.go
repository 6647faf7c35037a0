package python

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// neededKeys are the members without which the library raises KeyError, in the
// order in which it reads them.
var neededKeys = []string{keyTraceID, keyParentID, keyName, keyProject, keyService, keyInfo, keyTimestamp}

// sqlDriver is the name of Python's driver that reads columns. A column is null rather than
// missing.
const sqlDriver = "sqlalchemy"

// raise returns the exception that the library raises at the current notification.
func (b *builder) raise(exception string) error {
	return &ExceptionError{Notification: b.number, Name: b.notification.Name, Exception: exception}
}

// membersOf returns the raw values of the needed members. It is nil if the
// notification is plain, since its fields then contain them all.
func (b *builder) membersOf(n *osprofiler.Notification) (members map[string]string, err error) {
	if n.Plain() {
		return nil, nil
	}
	members = make(map[string]string, len(neededKeys))
	for key, raw := range pyjson.Members(n.JSON()) {
		if slices.Contains(neededKeys, key) {
			members[key] = raw
		}
	}
	for _, key := range neededKeys {
		if _, ok := members[key]; ok {
			continue
		}
		switch {
		case b.driver.Driver == sqlDriver:
			members[key] = "null"
		case key != keyTimestamp: // the library reads it after the host
			return nil, b.raise("KeyError: '" + key + "'")
		}
	}
	return members, nil
}

// hostOf returns the raw host. The library fails for a notification without a host.
func (b *builder) hostOf(n *osprofiler.Notification) (raw string, err error) {
	if b.driver.Host != nil {
		raw, ok := b.driver.Host(n)
		if !ok && b.driver.Driver != sqlDriver {
			return "", b.raise("KeyError: 'host'")
		}
		return raw, nil
	}
	raw, exception := pyjson.Subscript(cmp.Or(string(n.Info), "{}"), keyHost)
	if exception != "" {
		return "", b.raise(exception)
	}
	return raw, nil
}

func (b *builder) timeOf(n *osprofiler.Notification, members map[string]string) (time.Time, error) {
	if members != nil {
		raw, ok := members[keyTimestamp]
		if !ok {
			return time.Time{}, b.raise("KeyError: 'timestamp'")
		}
		if pyjson.KindOf(raw) != pyjson.String {
			name := strings.TrimSuffix(pyjson.TypeName(raw), "Type") // NoneType is None here
			return time.Time{}, b.raise("TypeError: strptime() argument 1 must be str, not " + name)
		}
	}
	at, exception := strptime(n.Timestamp)
	if exception != "" {
		return at, b.raise(exception)
	}
	return at, nil
}

// operationOf returns the operation of a notification. If the notification is the operation's
// first, it adds the operation.
func (b *builder) operationOf(n *osprofiler.Notification, members map[string]string) (*operation, error) {
	index, key, exception := b.keyOf(n.TraceID, members[keyTraceID])
	if exception != "" {
		return nil, b.raise(exception)
	}
	op, ok := index[key]
	if members != nil && pyjson.KindOf(members[keyName]) != pyjson.String {
		method := "split" // the method that the library calls on the name of a new operation
		if ok {
			method = "endswith"
		}
		return nil, b.raise(fmt.Sprintf("AttributeError: '%s' object has no attribute '%s'", pyjson.TypeName(members[keyName]), method))
	}
	if !ok {
		op = b.newOperation()
		index[key] = op
	}
	return op, nil
}

// newOperation adds an operation, with capacity for its two events.
func (b *builder) newOperation() *operation {
	if len(b.operationBuffer) == cap(b.operationBuffer) {
		count := min(max(len(b.operations), 1), 512)
		b.operationBuffer, b.eventBuffer = make([]operation, 0, count), make([]reader.Event, 2*count)
	}
	b.operationBuffer = append(b.operationBuffer, operation{})
	op := &b.operationBuffer[len(b.operationBuffer)-1]
	op.node.Events, b.eventBuffer = b.eventBuffer[:0:2], b.eventBuffer[2:]
	b.operations = append(b.operations, op)
	return op
}

// keyOf returns the index that contains the operation with an id, and the id's key in that
// index. Ids are equal if their Python values are: 1, 1.0 and true are one id, "1" is
// another. raw is empty for a plain text.
func (b *builder) keyOf(text, raw string) (index map[string]*operation, key, exception string) {
	if raw == "" || pyjson.KindOf(raw) == pyjson.String {
		return b.byID, text, ""
	}
	if b.byValue == nil {
		b.byValue = map[string]*operation{}
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
	return b.byValue, key, ""
}

// numberKey writes a raw number so that equal numbers have the same key. NaN equals NaN here,
// because Python's json module uses one object for all of them.
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
