package reader

import (
	"fmt"
	"math"
	"strconv"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

// oddities are the warnings about members of a saved report that have an
// unexpected type. Their number is bounded.
type oddities struct {
	texts []string
	more  int // the number of oddities without a text
}

func (o *oddities) add(format string, args ...any) {
	if len(o.texts) == mostDamage {
		o.more++
		return
	}
	o.texts = append(o.texts, fmt.Sprintf(format, args...))
}

// sentences returns the warnings: at most mostDamage, and one with the number of the others.
func (o *oddities) sentences() []string {
	if o.more == 0 {
		return o.texts
	}
	return append(o.texts, fmt.Sprintf("%d more values of the saved report have an unexpected type", o.more))
}

// object returns a member if it is an object. Otherwise object returns "", and
// warns of a member that is neither null nor an object.
func (o *oddities) object(owner string, members []member, key string) (raw string) {
	raw, ok := get(members, key)
	switch {
	case !ok || raw == "null":
		return ""
	case pyjson.KindOf(raw) != pyjson.Object:
		o.add("%q of %s should be an object, not %s", key, owner, safetext.Quote(raw))
		return ""
	}
	return raw
}

// milliseconds returns a member that should be a number. It is nil if the member is missing
// or null. It is also nil, with a warning, if the member is not a number.
func (o *oddities) milliseconds(owner, object, key string) *int64 {
	n, err := milliseconds(object, key)
	if err != nil {
		o.add("%s: %v", owner, err)
	}
	return n
}

// milliseconds returns a member that should be a number or null, rounded down. It
// is nil if the member is null or missing.
func milliseconds(object, key string) (*int64, error) {
	raw, ok := pyjson.Get(object, key)
	if !ok || raw == "null" {
		return nil, nil
	}
	const most = math.MaxInt64 / 1_000_000 / 2 // so that the difference of two such times fits into a time.Duration
	n, err := strconv.ParseInt(raw, 10, 64)
	if err == nil && -most <= n && n <= most {
		return &n, nil
	}
	f, err := strconv.ParseFloat(raw, 64)
	if pyjson.KindOf(raw) != pyjson.Number || err != nil || math.IsNaN(f) || math.Abs(f) > most {
		return nil, fmt.Errorf("%q should be a number of milliseconds, not %s", key, safetext.Quote(raw))
	}
	n = int64(math.Floor(f))
	return &n, nil
}
