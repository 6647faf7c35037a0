package redis

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

const (
	// maxDeleted is how many traces one pipeline deletes.
	maxDeleted = 500
	// answerGrace is how long a deletion that was sent waits for its answer after
	// the end of the context, so that the deletion is counted.
	answerGrace = time.Second
)

// Delete implements driver.Deleter. It deletes the trace's list, its legacy keys
// and the record of its failure. It does not delete keys with a value that the
// Python library does not write: a legacy key whose value cannot be read, because
// its trace is not known, and a string in place of the list, which is an error.
func (d *database) Delete(ctx context.Context, baseID string) (notifications int, err error) {
	deletions, err := d.DeleteTraces(ctx, []string{baseID})
	if len(deletions) == 0 {
		return 0, err
	}
	if err == nil {
		err = deletions[0].Err
	}
	return deletions[0].Notifications, err
}

// DeleteTraces implements driver.BulkDeleter. It deletes many traces with one
// pipeline, and scans for legacy keys once.
func (d *database) DeleteTraces(ctx context.Context, baseIDs []string) (deletions []driver.Deletion, err error) {
	legacy, err := d.legacyToDelete(ctx, baseIDs)
	if err != nil {
		return nil, err
	}
	deletions = make([]driver.Deletion, 0, len(baseIDs))
	for chunk := range slices.Chunk(baseIDs, maxDeleted) {
		some, err := d.deleteTogether(ctx, chunk, legacy)
		deletions = append(deletions, some...)
		if err != nil {
			return deletions, err
		}
	}
	return deletions, nil
}

// legacyToDelete returns the legacy keys of the traces, by base id.
func (d *database) legacyToDelete(ctx context.Context, baseIDs []string) (keys map[string][]string, err error) {
	keys = map[string][]string{}
	if len(baseIDs) == 1 {
		for n, err := range d.legacyOf(ctx, baseIDs[0]) {
			switch {
			case store.Ends(err):
				return nil, err
			case err == nil:
				keys[baseIDs[0]] = append(keys[baseIDs[0]], n.key)
			}
		}
		return keys, nil
	}
	candidates, err := d.legacyKeysOfAny(ctx, baseIDs)
	if err != nil {
		return nil, err
	}
	for n, err := range d.legacyValues(ctx, candidates) {
		switch {
		case store.Ends(err):
			return nil, err
		case err == nil: // maybe of another trace, which is never looked up
			keys[driver.Text(n.BaseID)] = append(keys[driver.Text(n.BaseID)], n.key)
		}
	}
	return keys, nil
}

// legacyKeysOfAny returns the legacy keys that begin like the keys of one of the
// traces. It scans once. It does not scan if the last scan found no legacy keys.
func (d *database) legacyKeysOfAny(ctx context.Context, baseIDs []string) (keys []string, err error) {
	if !d.withLegacy {
		return nil, nil
	}
	asked, may := make(map[string]bool, len(baseIDs)), false
	for _, id := range baseIDs {
		asked[id] = true
		remembered, mayHave := d.legacyIndex.lookUp(id)
		may = may || !remembered || mayHave
	}
	if !may {
		return nil, nil
	}
	for step, err := range d.legacyKeys(ctx) {
		if err != nil {
			return nil, err
		}
		for _, key := range step {
			if beginsLike(key, asked) {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// beginsLike reports whether a legacy key begins like the keys of one of the
// traces.
func beginsLike(key string, baseIDs map[string]bool) bool {
	text := strings.TrimPrefix(key, legacyPrefix)
	for i := range len(text) {
		if text[i] == '_' && baseIDs[text[:i]] {
			return true
		}
	}
	return false
}

// deleteTogether deletes traces with one pipeline.
func (d *database) deleteTogether(ctx context.Context, baseIDs []string, legacy map[string][]string) ([]driver.Deletion, error) {
	deletions := make([]driver.Deletion, len(baseIDs))
	lists := make([]string, len(baseIDs))
	for i, id := range baseIDs {
		lists[i] = listPrefix + id
	}
	lengths, err := d.lengths(ctx, lists)
	if err != nil {
		return nil, err
	}
	var sent []int // indices of baseIDs
	for i, length := range lengths {
		if length < 0 {
			deletions[i].Err = damagedKey(lists[i], errNoList)
		} else {
			sent = append(sent, i)
		}
	}
	grace, cancel := withGrace(ctx)
	defer cancel()
	counts, err := call(grace, d, func(ctx context.Context) ([]int, error) {
		pipe := d.client.Pipeline()
		replies := make([]deleteReplies, len(sent))
		for i, at := range sent {
			replies[i] = queueDelete(ctx, pipe, baseIDs[at], legacy[baseIDs[at]])
		}
		_, err := execute(ctx, pipe)
		counts := make([]int, len(sent))
		for i := range replies {
			counts[i] = replies[i].count()
		}
		return counts, err
	})
	for i, count := range counts {
		deletions[sent[i]].Notifications = count
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = ctx.Err() // the error of the caller's context, which may be a deadline
	}
	return deletions, err
}

// withGrace returns a context that ends answerGrace after ctx.
func withGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	grace, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(answerGrace, cancel)
		context.AfterFunc(grace, func() { timer.Stop() })
	})
	return grace, func() { stop(); cancel() }
}

// deleteReplies are the replies to the commands that delete one trace.
type deleteReplies struct {
	length, list *goredis.IntCmd
	legacy       []*goredis.IntCmd
}

func queueDelete(ctx context.Context, pipe goredis.Pipeliner, baseID string, legacy []string) (r deleteReplies) {
	r.length = pipe.LLen(ctx, listPrefix+baseID)
	r.list = pipe.Del(ctx, listPrefix+baseID)
	pipe.Del(ctx, errorPrefix+baseID)
	for _, key := range legacy {
		r.legacy = append(r.legacy, pipe.Del(ctx, key))
	}
	return r
}

// count returns how many notifications were deleted by the commands that were
// answered.
func (r *deleteReplies) count() (notifications int) {
	if r.list.Val() > 0 {
		notifications = int(max(r.length.Val(), 1)) // a push may have come between the two commands
	}
	for _, deleted := range r.legacy {
		notifications += int(deleted.Val())
	}
	return notifications
}
