package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
)

// largeSize is the size in bytes from which a server may refuse a notification. The settings that bound one value can be set to 1 MiB
// at least; a proxy may take less.
const largeSize = 64 << 10

// isSuspicious tells whether an error may be due to the size of what was sent.
// A server that is sent too much breaks the connection. It first says so, but
// the client may learn only that the connection was reset.
func isSuspicious(err error) bool {
	text, ok := replyOf(err)
	if ok {
		return beginsWith(text, "ERR Protocol error") || beginsWith(text, "OOM")
	}
	return isBroken(err) || timedOut(err)
}

// largeAmong returns the sizes of the large ones of these notifications, by
// their indices into the batch.
func largeAmong(batch []osprofiler.Notification, those []int) map[int]int {
	large := map[int]int{}
	var room []byte
	for _, i := range those {
		room = batch[i].AppendJSON(room[:0])
		if len(room) >= largeSize {
			large[i] = len(room)
		}
	}
	return large
}

// An isolation writes again what is missing of a batch, each large
// notification by itself. It keeps the order of the batch, which is that of
// the lists.
type isolation struct {
	*Store
	batch []osprofiler.Notification
	large map[int]int // sizes by index
	slow  bool        // a large one got no answer in time: no other is tried
	done  outcome
}

// isolate writes again what is missing of a batch. It returns what became of
// all of the batch.
func (s *Store) isolate(ctx context.Context, batch []osprofiler.Notification, first outcome, large map[int]int) outcome {
	w := &isolation{Store: s, batch: batch, large: large}
	w.done = outcome{missing: slices.Clone(first.refused), refused: first.refused, refusals: first.refusals}
	again := slices.DeleteFunc(slices.Clone(first.missing), func(i int) bool {
		return slices.Contains(first.refused, i)
	})
	for len(again) > 0 {
		part := again[:w.next(again)]
		o, goOn := w.write(ctx, part)
		w.done.add(o)
		again = again[len(part):]
		if !goOn {
			w.done.miss(again, o.reason, o.transient)
			break
		}
	}
	return w.done
}

// next returns how many of these are written together.
func (w *isolation) next(those []int) int {
	for n, i := range those {
		if _, isLarge := w.large[i]; isLarge {
			return max(n, 1)
		}
	}
	return len(those)
}

// write writes one part. goOn is false if the server does not take the others
// now, either.
func (w *isolation) write(ctx context.Context, part []int) (o outcome, goOn bool) {
	size, isLarge := w.large[part[0]]
	switch {
	case isLarge && w.slow:
		o.miss(part, &explainedError{w.place + " gave no answer to a large notification before it", errNoAnswer}, true)
		return o, true
	case isLarge:
		return w.writeLarge(ctx, part, size)
	}
	o, err := w.attempt(ctx, w.batch, part)
	if err != nil {
		o.miss(part, err, false)
		return o, false
	}
	_, answered := replyOf(o.reason)
	return o, o.reason == nil || answered
}

// tries is the number of attempts to send a large notification by itself. If the
// server breaks the connection each time and answers LLEN in between, the
// notification counts as refused.
const tries = 3

func (w *isolation) writeLarge(ctx context.Context, one []int, size int) (o outcome, goOn bool) {
	for try := 1; ; try++ {
		var err error
		if o, err = w.attempt(ctx, w.batch, one); err != nil {
			o.miss(one, err, false)
			return o, false
		}
		text, answered := replyOf(o.reason)
		switch {
		case !o.suspicious:
			return o, o.reason == nil || answered
		case timedOut(o.reason):
			w.slow = true
			return o, true
		}
		noRoom := beginsWith(text, "OOM")
		limit, isOver := w.limit(ctx, size, noRoom)
		switch {
		case isOver || beginsWith(text, "ERR Protocol error"):
			return w.refusal(one, size, limit), true
		case noRoom:
			return o, true
		case !w.answers(ctx, w.batch[one[0]].BaseID):
			return o, false
		case try == tries:
			return w.refusal(one, size, ""), true
		}
	}
}

// answers tells whether the server carries out other commands. It asks for the
// length of the list, so that in a cluster it is the same server. A user who
// may not read gets an answer, too.
func (w *isolation) answers(ctx context.Context, baseID string) bool {
	err := only(call(ctx, w.Store, func(ctx context.Context) (int64, error) {
		return w.client.LLen(ctx, listPrefix+backend.Text(baseID)).Result()
	}))
	_, isReply := replyOf(err)
	return err == nil || isReply && classOf(err) == stays
}

func only[T any](_ T, err error) error { return err }

// refusal names one notification that the server does not take, and the
// setting that says so, which may not be known.
func (w *isolation) refusal(one []int, size int, limit string) (o outcome) {
	n := &w.batch[one[0]]
	reason := "the server, or a proxy before it, breaks the connection when it is sent, and answers other commands; " +
		"proto-max-bulk-len and client-query-buffer-limit of the server should be larger"
	if limit != "" {
		reason = limit + " of the server should be larger"
	}
	o.refuse(one, fmt.Errorf("%s does not take the notification %q of base_id %q and trace_id %q, which has %d bytes: %s", w.place, n.Name, n.BaseID, n.TraceID, size, reason))
	return o
}

// limits are the settings that bound one value. A server that is sent more
// than one of them breaks the connection.
var limits = []string{"proto-max-bulk-len", "client-query-buffer-limit", "maxmemory-clients"}

// queryOverhead is what a query buffer may hold besides the value: the command
// and its key, and what was read behind the value.
const queryOverhead = 64 << 10

// limit returns the setting of the server that a notification exceeds, with
// its value. Many users may not read settings: then it returns false.
func (w *isolation) limit(ctx context.Context, size int, ofMemory bool) (text string, isOver bool) {
	names := limits
	if ofMemory {
		names = []string{"maxmemory"}
	}
	for _, name := range names {
		value, ok := w.setting(ctx, name)
		room := value
		switch name {
		case "client-query-buffer-limit", "maxmemory-clients":
			room -= queryOverhead
		case "maxmemory":
			room -= w.memoryOfEmpty(ctx)
		}
		if ok && value > 0 && int64(size) > room {
			return fmt.Sprintf("%s, which is %d,", name, value), true
		}
	}
	return "", false
}

// setting returns a setting that is a number.
func (w *isolation) setting(ctx context.Context, name string) (value int64, ok bool) {
	values, err := call(ctx, w.Store, func(ctx context.Context) (map[string]string, error) {
		return w.client.ConfigGet(ctx, name).Result()
	})
	if err != nil {
		return 0, false
	}
	value, err = strconv.ParseInt(values[name], 10, 64)
	return value, err == nil
}

// memoryOfEmpty returns how much memory the server uses without any data, or 0
// if it does not say so.
func (w *isolation) memoryOfEmpty(ctx context.Context) int64 {
	info, err := call(ctx, w.Store, func(ctx context.Context) (string, error) {
		return w.client.Info(ctx, "memory").Result()
	})
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(info, "used_memory_startup:")
	text, _, _ := strings.Cut(rest, "\r\n")
	value, _ := strconv.ParseInt(text, 10, 64)
	return value
}
