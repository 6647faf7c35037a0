package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// largeSize is the size in bytes from which a server may refuse a notification.
// The server settings that bound one value are 1 MiB at least. A proxy may have
// a lower limit.
const largeSize = 64 << 10

// isSuspicious reports whether an error may be due to the size of a command. A
// server breaks the connection when a command is too large. The server first
// says so, but the client may learn only that the connection was reset.
func isSuspicious(err error) bool {
	text, ok := replyOf(err)
	if ok {
		return beginsWith(text, "ERR Protocol error") || beginsWith(text, "OOM")
	}
	return neterr.Broken(err) || neterr.TimedOut(err)
}

// largeSizes returns the sizes of the large notifications among those with
// these indices.
func largeSizes(batch []osprofiler.Notification, indices []int) map[int]int {
	sizes := map[int]int{}
	var text []byte
	for _, i := range indices {
		text = batch[i].AppendJSON(text[:0])
		if len(text) >= largeSize {
			sizes[i] = len(text)
		}
	}
	return sizes
}

// An isolation writes the missing notifications of a batch again, each large one
// by itself. It keeps the order of the batch, because that is the order of the
// lists.
type isolation struct {
	*database
	batch []osprofiler.Notification
	sizes map[int]int // of the large notifications, by index
	slow  bool        // a large notification got no answer in time, so no other one is sent
	done  *outcome.Outcome
}

// isolate writes again the notifications that are missing after the first
// attempt. It returns the outcome of the whole batch.
func (d *database) isolate(ctx context.Context, batch []osprofiler.Notification, first *outcome.Outcome, sizes map[int]int) *outcome.Outcome {
	again := first.Again()
	w := &isolation{database: d, batch: batch, sizes: sizes, done: first}
	for len(again) > 0 {
		part := again[:w.next(again)]
		o, goOn := w.write(ctx, part)
		w.done.Add(o)
		again = again[len(part):]
		if !goOn {
			w.done.Miss(o.Reason(), o.Transient(), again...)
			break
		}
	}
	return w.done
}

// next returns how many of the notifications with these indices are written
// together.
func (w *isolation) next(indices []int) int {
	for n, i := range indices {
		if _, isLarge := w.sizes[i]; isLarge {
			return max(n, 1)
		}
	}
	return len(indices)
}

// write writes one part. goOn is false if the server will not accept the other
// parts now, either.
func (w *isolation) write(ctx context.Context, part []int) (o *outcome.Outcome, goOn bool) {
	size, isLarge := w.sizes[part[0]]
	switch {
	case isLarge && w.slow:
		return w.missing(part, explained.New(errNoAnswer, "%s gave no answer to a large notification before it", w.name), true), true
	case isLarge:
		return w.writeLarge(ctx, part, size)
	}
	a, err := w.attempt(ctx, w.batch, part)
	if err != nil {
		return w.missing(part, err, false), false
	}
	return a.Outcome, answered(a.Reason())
}

// missing returns the outcome of a part that may not be stored.
func (w *isolation) missing(part []int, reason error, transient bool) *outcome.Outcome {
	o := outcome.Of(w.batch)
	o.Miss(reason, transient, part...)
	return o
}

// answered reports whether the error of an attempt is an answer of the server.
func answered(err error) bool {
	_, isReply := replyOf(err)
	return err == nil || isReply
}

// tries is the number of attempts to send a large notification by itself. If the
// server breaks the connection each time and answers LLEN in between, the
// notification counts as refused.
const tries = 3

func (w *isolation) writeLarge(ctx context.Context, one []int, size int) (o *outcome.Outcome, goOn bool) {
	for try := 1; ; try++ {
		a, err := w.attempt(ctx, w.batch, one)
		if err != nil {
			return w.missing(one, err, false), false
		}
		text, _ := replyOf(a.Reason())
		switch {
		case !a.suspicious:
			return a.Outcome, answered(a.Reason())
		case neterr.TimedOut(a.Reason()):
			w.slow = true
			return a.Outcome, true
		}
		noRoom := beginsWith(text, "OOM")
		limit, isOver := w.limit(ctx, size, noRoom)
		switch {
		case isOver || beginsWith(text, "ERR Protocol error"):
			return w.refusal(one, limit), true
		case noRoom:
			return a.Outcome, true
		case !w.answers(ctx, w.batch[one[0]].BaseID):
			return a.Outcome, false
		case try == tries:
			return w.refusal(one, ""), true
		}
	}
}

// answers reports whether the server carries out other commands. It asks for the
// length of the list, because in a cluster the same server answers that. A user
// who may not read gets an answer, too.
func (w *isolation) answers(ctx context.Context, baseID string) bool {
	err := only(call(ctx, w.database, func(ctx context.Context) (int64, error) {
		return w.client.LLen(ctx, listPrefix+driver.Text(baseID)).Result()
	}))
	_, isReply := replyOf(err)
	return err == nil || isReply && classOf(err) == stays
}

func only[T any](_ T, err error) error { return err }

// refusal returns the outcome of a notification that the server does not
// accept. limit names the server setting that is the reason, or is empty.
func (w *isolation) refusal(one []int, limit string) *outcome.Outcome {
	reason := "the server, or a proxy before it, breaks the connection when it is sent, and answers other commands; " +
		"proto-max-bulk-len and client-query-buffer-limit of the server should be larger"
	if limit != "" {
		reason = limit + " of the server should be larger"
	}
	o := outcome.Of(w.batch)
	o.Refuse(fmt.Errorf("%s refuses it: %s", w.name, reason), one...)
	return o
}

// limits are the server settings that bound one value. A server breaks the
// connection when a value exceeds one of them.
var limits = []string{"proto-max-bulk-len", "client-query-buffer-limit", "maxmemory-clients"}

// queryOverhead is the size of the content of a query buffer besides the value:
// the command, its key, and bytes of the next command.
const queryOverhead = 64 << 10

// limit returns the server setting that a notification exceeds, with its value.
// It returns false if no setting is exceeded or if the user may not read
// settings.
func (w *isolation) limit(ctx context.Context, size int, ofMemory bool) (text string, isOver bool) {
	names := limits
	if ofMemory {
		names = []string{"maxmemory"}
	}
	for _, name := range names {
		value, ok := w.setting(ctx, name)
		most := value
		switch name {
		case "client-query-buffer-limit", "maxmemory-clients":
			most -= queryOverhead
		case "maxmemory":
			most -= w.memoryOfEmpty(ctx)
		}
		if ok && value > 0 && int64(size) > most {
			return fmt.Sprintf("%s, which is %d,", name, value), true
		}
	}
	return "", false
}

// setting returns a setting that is a number.
func (w *isolation) setting(ctx context.Context, name string) (value int64, ok bool) {
	values, err := call(ctx, w.database, func(ctx context.Context) (map[string]string, error) {
		return w.client.ConfigGet(ctx, name).Result()
	})
	if err != nil {
		return 0, false
	}
	value, err = strconv.ParseInt(values[name], 10, 64)
	return value, err == nil
}

// memoryOfEmpty returns how much memory the server uses without any data, or 0
// if the server does not report that.
func (w *isolation) memoryOfEmpty(ctx context.Context) int64 {
	info, err := call(ctx, w.database, func(ctx context.Context) (string, error) {
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
