package bridge

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/osprofiler-otel/osprofiler"
)

// reportInterval is the shortest time between two reports of rejected headers.
const reportInterval = 5 * time.Minute

// rejections counts the requests whose headers were not accepted, by reason. The
// reasons are a fixed set, so that no caller can make the map grow.
type rejections struct {
	mu         sync.Mutex
	counts     map[string]uint64
	unreported map[string]uint64
	reported   time.Time // when the latest report was made
}

// Rejected returns the number of requests that came with X-Trace-Info or X-Trace-HMAC and were
// served untraced. The counts are by reason, such as "none of the HMAC keys fits". They begin
// when the Keys are made, and cover all propagators that use the Keys.
//
// Each call of Extract counts, so that a request that two middlewares extract counts twice.
// The first rejection for each reason is reported by [otel.Handle] at once. The other
// rejections are reported together, with the first rejection at least five minutes after the
// latest report. No report shows a key or the content of a header.
func (k *Keys) Rejected() map[string]uint64 {
	if k == nil {
		return nil
	}
	k.rejections.mu.Lock()
	defer k.rejections.mu.Unlock()
	return maps.Clone(k.rejections.counts)
}

// reject counts and reports that headers were not accepted.
func (k *Keys) reject(err error) {
	header, ok := errors.AsType[*osprofiler.HeaderError](err)
	if !ok {
		return
	}
	if due := k.rejections.add(header.Reason, time.Now()); due != nil {
		otel.Handle(rejected(due))
	}
}

// add counts one rejection. It returns the counts to be reported now, or nil.
func (r *rejections) add(reason string, now time.Time) (due map[string]uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts, r.unreported = map[string]uint64{}, map[string]uint64{}
	}
	r.counts[reason]++
	r.unreported[reason]++
	if r.counts[reason] > 1 && now.Sub(r.reported) < reportInterval {
		return nil
	}
	due, r.unreported, r.reported = r.unreported, map[string]uint64{}, now
	return due
}

// rejected returns the report of these counts.
func rejected(counts map[string]uint64) error {
	var total uint64
	reasons := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(reasons))
	for i, reason := range reasons {
		total += counts[reason]
		parts[i] = reason
		if len(reasons) > 1 {
			parts[i] = fmt.Sprintf("%s (%d)", reason, counts[reason])
		}
	}
	requests := "1 request was not traced on demand, because its headers were not accepted"
	if total > 1 {
		requests = fmt.Sprintf("%d requests were not traced on demand, because their headers were not accepted", total)
	}
	hint := "the command osp check explains header lines"
	if counts["none of the HMAC keys fits"] > 0 {
		hint = "compare the HMAC keys of this service with those of the caller; the command osp check tells which key signs header lines"
	}
	return fmt.Errorf("osprofiler: %s: %s; %s", requests, strings.Join(parts, ", "), hint)
}
