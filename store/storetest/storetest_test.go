package storetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

// A store that follows the contract passes.
func TestMemory(t *testing.T) { storetest.Run(t, harness(flaws{})) }

// Each flaw violates the rules that are meant to detect it, and each rule can fail.
func TestRulesFail(t *testing.T) {
	defer storetest.SetPatience(2*time.Second, time.Second)()
	failed := map[string]bool{}
	for _, c := range flawed {
		t.Run(c.flaw, func(t *testing.T) {
			for _, rule := range storetest.Rules() {
				must := slices.Contains(c.rules, rule.Name)
				if !must && c.rules[0] != "*" {
					continue
				}
				err := rule.Run(t, harness(c.flaws))
				if err == nil && must {
					t.Errorf("rule %s should fail", rule.Name)
				}
				failed[rule.Name] = failed[rule.Name] || err != nil
			}
		})
	}
	for _, rule := range storetest.Rules() {
		if !failed[rule.Name] && !slices.Contains(heldByStore, rule.Name) {
			t.Errorf("no flaw makes rule %s fail", rule.Name)
		}
	}
}

// flawed lists the flaws with the rules that must detect them. With "*" the other rules are
// also tried.
var flawed = []struct {
	flaw  string
	rules []string
	flaws flaws
}{
	{
		"every second notification is lost",
		[]string{"*", "real-trace", "payload-shapes", "order", "concurrency", "two-openers", "big-payload", "feed", "list-many", "same-batch-twice"},
		flaws{write: everySecond},
	},
	{
		"only the fields are kept",
		[]string{"unknown-members", "odd-members", "odd-base-id", "no-base-id", "top-level-host", "odd-info"},
		flaws{write: each(onlyFields)},
	},
	{
		"values pass through encoding/json",
		[]string{"numbers", "characters"},
		flaws{write: each(throughJSON)},
	},
	{"dots in keys become underscores", []string{"info-keys"}, flaws{write: each(withoutDots)}},
	{"depth is cut", []string{"deep-info"}, flaws{write: each(shallow)}},
	{"texts are cut at 255", []string{"long-texts", "long-ids-apart"}, flaws{write: each(cut)}},
	{"quotes are dropped", []string{"hostile-text"}, flaws{write: each(unquoted)}},
	{"the parsed text wins over the fields", []string{"changed-after-parsing"}, flaws{write: each(asParsed)}},
	{"traces come backwards", []string{"order"}, flaws{read: backwards}},
	{"the batch is used after Write", []string{"batch-not-kept"}, flaws{keeps: true}},
	{"base ids are stored in lower case", []string{"ids-as-text"}, flaws{write: each(lowerID)}},
	{"traces have no time", []string{"list-first-event", "list-limit", "list-one-event", "list-odd-times"}, flaws{summary: timeless}},
	{"failures have no time", []string{"error-traces", "error-traces-window"}, flaws{summary: func(t *store.Summary) { t.FirstFailure = "" }}},
	{"limits take the oldest", []string{"list-limit", "list-many", "error-traces-window"}, flaws{list: oldest}},
	{"windows end too early", []string{"list-window"}, flaws{list: earlyWindow}},
	{"traces without a time are left out", []string{"list-no-timestamp"}, flaws{list: timedOnly}},
	{"every trace failed", []string{"error-traces"}, flaws{summary: func(t *store.Summary) { t.Failed, t.FirstFailure = true, t.Timestamp }}},
	{"summaries count one too few", []string{"summaries"}, flaws{summary: func(t *store.Summary) { t.Notifications-- }}},
	{"summaries have no last event", []string{"summaries"}, flaws{summary: func(t *store.Summary) { t.LastTimestamp = "" }}},
	{"the first notification is left out", []string{"summaries-first"}, flaws{summary: func(t *store.Summary) { t.First = nil }}},
	{"services are compared in any case", []string{"list-service"}, flaws{summary: func(t *store.Summary) { t.Service = strings.ToLower(t.Service) }}},
	{"summaries count an operation twice", []string{"operations", "failures", "summaries"}, flaws{summary: func(t *store.Summary) { t.Operations++ }}},
	{"operations are counted by two events each", []string{"operations"}, flaws{summary: func(t *store.Summary) { t.Operations = t.Notifications / 2 }}},
	{"summaries count one failure at most", []string{"failures", "summaries"}, flaws{summary: func(t *store.Summary) { t.Failures = min(t.Failures, 1) }}},
	{"limits are applied before durations", []string{"list-min-duration"}, flaws{list: ignoringDuration}},
	{"failed traces are always taken by their failures", []string{"failed-by-first-event"}, flaws{list: byFailure}},
	{"durations end at the first event", []string{"list-min-duration"}, flaws{summary: func(t *store.Summary) { t.LastTimestamp = t.Timestamp }}},
	{"a search for a request looks at one member", []string{"list-request"}, flaws{finds: func(info osprofiler.Info, id string) bool {
		return strings.Contains(string(info), `"request_id": "`+id)
	}}},
	{"resuming skips one", []string{"feed-resumed"}, flaws{skips: true}},
	{"the last cursor leads to the beginning", []string{"feed-resumed"}, flaws{rewinds: true}},
	{"each poll begins anew", []string{"feed", "feed-growing-traces", "feed-left-early"}, flaws{repeats: true}},
	{"a poll counts all as yielded at its end", []string{"feed-while-writing"}, flaws{skipsNew: true}},
	{"a poll counts all as yielded at once", []string{"feed-left-early", "feed-cancelled"}, flaws{impatient: true}},
	{"a feed counts rows, not what was written", []string{"deleted-while-followed"}, flaws{stale: true}},
	{"an empty table is an error", []string{"feed-empty", "empty-place", "empty-batch"}, flaws{failsEmpty: true}},
	{"any cursor is taken", []string{"feed-foreign-cursor"}, flaws{anyCursor: true}},
	{"deleting matches by prefix", []string{"delete", "delete-many"}, flaws{matches: strings.HasPrefix}},
	{"the first of many traces has the counts of all", []string{"delete-many", "delete-many-cancelled"}, flaws{lumps: true}},
	{"deleting many traces goes on after the end of the context", []string{"delete-many-cancelled"}, flaws{deaf: true}},
	{"deleting counts twice", []string{"delete", "delete-many", "delete-many-cancelled", "delete-many-wrapped"}, flaws{miscounts: true}},
	{"opening looks for the table", []string{"open-unreachable"}, flaws{eager: true}},
	{"reading leaves a goroutine behind", []string{"early-break"}, flaws{leaks: true}},
	{"reading locks the store", []string{"write-while-reading"}, flaws{locks: true}},
	{"Close fails", []string{"closed"}, flaws{closes: true}},
	{"peeking takes", []string{"peek"}, flaws{bus: busFlaws{on: true, takes: true}}},
	{"acknowledging does nothing", []string{"consume", "consume-given-back"}, flaws{bus: busFlaws{on: true, repeats: true}}},
	{"closing gives nothing back", []string{"consume-given-back", "consume-closed"}, flaws{bus: busFlaws{on: true, loses: true}}},
	{"each notification is delivered twice", []string{"consume"}, flaws{bus: busFlaws{on: true, again: func() bool { return true }}}},
	{"Leave does nothing", []string{"consume-leave"}, flaws{bus: busFlaws{on: true, drops: true}}},
	{"leaving a loop loses the rest", []string{"consume-left-early", "consume-cancelled"}, flaws{bus: busFlaws{on: true, impatient: true}}},
	{"Close forgets", []string{"reopened"}, flaws{forgets: true}},
}

// heldByStore lists the rules that every driver passes, because package store itself keeps
// them. The tests of package store make these rules fail.
var heldByStore = []string{
	"once", "invalid-info", "unknown-trace", "cancelled-before", "cancelled-reading", "cancelled-writing", "read-only", "wrapped", "duplicates-counted",
	"consume-read-only",
}

func each(change func(osprofiler.Notification) osprofiler.Notification) func([]osprofiler.Notification) []osprofiler.Notification {
	return func(batch []osprofiler.Notification) []osprofiler.Notification {
		for i, n := range batch {
			batch[i] = change(n)
		}
		return batch
	}
}

func everySecond(batch []osprofiler.Notification) (kept []osprofiler.Notification) {
	for i, n := range batch {
		if i%2 == 1 {
			kept = append(kept, n)
		}
	}
	return kept
}

func onlyFields(n osprofiler.Notification) osprofiler.Notification {
	return osprofiler.Notification{
		Name: n.Name, BaseID: n.BaseID, TraceID: n.TraceID, ParentID: n.ParentID,
		Timestamp: n.Timestamp, Info: n.Info, Project: n.Project, Service: n.Service,
	}
}

func throughJSON(n osprofiler.Notification) osprofiler.Notification {
	var v any
	if json.Unmarshal([]byte(n.JSON()), &v) == nil {
		text, _ := json.Marshal(v)
		n, _ = osprofiler.ParseNotification(string(text))
	}
	return n
}

func rewritten(n osprofiler.Notification, change func(string) string) osprofiler.Notification {
	if changed, err := osprofiler.ParseNotification(change(n.JSON())); err == nil {
		return changed
	}
	return n
}

func withoutDots(n osprofiler.Notification) osprofiler.Notification {
	return rewritten(n, func(text string) string { return strings.ReplaceAll(text, "a.b", "a_b") })
}

func shallow(n osprofiler.Notification) osprofiler.Notification {
	if strings.Count(string(n.Info), "{")+strings.Count(string(n.Info), "[") > 100 {
		n.Info = "{}"
	}
	return n
}

func cut(n osprofiler.Notification) osprofiler.Notification {
	for _, text := range []*string{&n.Name, &n.BaseID, &n.TraceID, &n.ParentID} {
		*text = (*text)[:min(255, len(*text))]
	}
	return n
}

func unquoted(n osprofiler.Notification) osprofiler.Notification {
	n.BaseID = strings.ReplaceAll(n.BaseID, "'", "")
	return n
}

func asParsed(n osprofiler.Notification) osprofiler.Notification {
	if extra, ok := n.Member("extra"); ok && extra == "1" {
		n.Name = "x-1-start"
	}
	return n
}

func backwards(all []osprofiler.Notification) []osprofiler.Notification {
	slices.Reverse(all)
	return all
}

func timeless(s *store.Summary) { s.Timestamp = "" }

func lowerID(n osprofiler.Notification) osprofiler.Notification {
	n.BaseID = strings.ToLower(n.BaseID)
	return n
}

func oldest(traces []store.Summary, q store.Query) []store.Summary {
	slices.SortFunc(traces, func(a, b store.Summary) int { return q.Time(&a).Compare(q.Time(&b)) })
	return filtered(traces, q, q.Contains)
}

// ignoringDuration selects the newest traces, whatever their durations are.
func ignoringDuration(traces []store.Summary, q store.Query) []store.Summary {
	slices.SortFunc(traces, func(a, b store.Summary) int { return q.Time(&b).Compare(q.Time(&a)) })
	return filtered(traces, q, func(t time.Time) bool { return q.Since.IsZero() || !t.Before(q.Since) })
}

// byFailure selects the failed traces by their failures, whatever the query says.
func byFailure(traces []store.Summary, q store.Query) []store.Summary {
	if q.Failed {
		slices.SortFunc(traces, func(a, b store.Summary) int { return b.FirstFailureTime().Compare(a.FirstFailureTime()) })
	}
	return filtered(traces, q, func(time.Time) bool { return true })
}

func earlyWindow(traces []store.Summary, q store.Query) []store.Summary {
	q.Limit = 0
	return filtered(traces, q, func(t time.Time) bool { return q.Contains(t) && q.Contains(t.Add(time.Minute)) })
}

func timedOnly(traces []store.Summary, q store.Query) []store.Summary {
	q.Limit = 0
	return filtered(traces, q, func(t time.Time) bool { return q.Contains(t) && !t.IsZero() })
}

func filtered(traces []store.Summary, q store.Query, wants func(time.Time) bool) (list []store.Summary) {
	for _, t := range traces {
		if wants(q.Time(&t)) && (q.Limit == 0 || len(list) < q.Limit) {
			list = append(list, t)
		}
	}
	return list
}

func TestTable(t *testing.T) {
	names := map[string]bool{}
	for _, rule := range storetest.Rules() {
		if rule.Name == "" || rule.Why == "" || rule.Check == nil || names[rule.Name] {
			t.Errorf("rule %+v should have a name of its own, an explanation and a check", rule)
		}
		names[rule.Name] = true
	}
}

func TestOptOut(t *testing.T) {
	for _, c := range []struct {
		optOut map[string]string
		want   string
	}{
		{nil, ""},
		{map[string]string{"order": "the store has none"}, ""},
		{map[string]string{"ordre": "the store has none"}, `OptOut names "ordre", which is no rule; the rules are batch-not-kept, big-payload, `},
		{map[string]string{"order": " "}, `OptOut names "order" without a reason`},
	} {
		err := storetest.Harness{OptOut: c.optOut}.CheckOptOut()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("OptOut %v: %v", c.optOut, err)
		}
	}
}

// A back end that can only write and read violates the rules about all other capabilities.
func TestMissingCapability(t *testing.T) {
	h := harness(flaws{unwrapped: true})
	for _, name := range []string{"list-limit", "feed", "delete"} {
		i := slices.IndexFunc(storetest.Rules(), func(r storetest.Rule) bool { return r.Name == name })
		if err := storetest.Rules()[i].Run(t, h); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("rule %s on a store that can only write and read: %v", name, err)
		}
	}
}

// The suite also runs for back ends that can only write, or only read.
func TestHalves(t *testing.T) {
	h := harness(flaws{})
	open := h.Open
	only := func(half func(driver.Driver) driver.Driver) func(context.Context, string) (*store.Store, error) {
		return func(ctx context.Context, place string) (*store.Store, error) {
			s, err := open(ctx, place)
			return store.New(half(s.Driver())), err
		}
	}
	writeOnly := func(d driver.Driver) driver.Driver {
		w, _ := driver.As[driver.Writer](d)
		return struct {
			driver.Driver
			driver.Writer
		}{d, w}
	}
	t.Run("write-only", func(t *testing.T) {
		h := h
		h.Open, h.Reader = only(writeOnly), open
		storetest.Run(t, h)
	})
	t.Run("read-only", func(t *testing.T) {
		h := h
		h.Open, h.Writer = func(ctx context.Context, place string) (*store.Store, error) {
			s, err := open(ctx, place)
			return store.NewReadOnly(s.Driver()), err
		}, open
		h.OptOut = map[string]string{"delete": "it is read-only", "delete-many": "it is read-only", "delete-many-cancelled": "it is read-only", "delete-many-wrapped": "it is read-only", "deleted-while-followed": "it is read-only"}
		storetest.Run(t, h)
	})
}

// An error of opening or closing a store is an error of the rule.
func TestStageErrors(t *testing.T) {
	broken := errors.New("broken")
	rule := storetest.Rules()[0]
	if err := rule.Run(t, harness(flaws{closes: true})); err == nil || !strings.Contains(err.Error(), "cannot close") {
		t.Errorf("Close that fails: %v", err)
	}
	h := harness(flaws{})
	h.Open = func(context.Context, string) (*store.Store, error) { return nil, broken }
	if err := rule.Run(t, h); !errors.Is(err, broken) {
		t.Errorf("Open that fails: %v", err)
	}
}
