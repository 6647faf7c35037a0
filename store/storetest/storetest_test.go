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
	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

// A store that keeps the contract passes.
func TestMemory(t *testing.T) { storetest.Run(t, harness(flaws{})) }

// Each flaw breaks the rules that are there against it, and each rule can fail.
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
		if !failed[rule.Name] {
			t.Errorf("no flaw makes rule %s fail", rule.Name)
		}
	}
}

// flawed lists the flaws with the rules that must notice them; with "*" the
// others are tried too.
var flawed = []struct {
	flaw  string
	rules []string
	flaws flaws
}{
	{
		"every second notification is lost",
		[]string{"*", "real-trace", "payload-shapes", "order", "concurrency", "two-openers", "big-payload", "changes", "list-many", "same-batch-twice"},
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
	{"equal notifications come twice", []string{"once", "same-batch-twice"}, flaws{duplicates: true}},
	{"an empty batch is an error", []string{"empty-batch"}, flaws{noEmpty: true}},
	{"the batch is used after Write", []string{"batch-not-kept"}, flaws{keeps: true}},
	{"info is not checked", []string{"invalid-info"}, flaws{unchecked: true}},
	{"unknown traces are empty", []string{"unknown-trace", "invalid-info"}, flaws{noNotFound: true}},
	{"ids match by prefix", []string{"ids-as-text", "unknown-trace"}, flaws{matches: strings.HasPrefix}},
	{"ids are compared in any case", []string{"ids-as-text"}, flaws{matches: strings.EqualFold}},
	{"ids are trimmed", []string{"ids-as-text"}, flaws{matches: func(id, asked string) bool { return strings.TrimSpace(id) == strings.TrimSpace(asked) }}},
	{"traces have no time", []string{"list-first-event", "list-limit", "list-one-event", "list-odd-times", "error-traces", "error-traces-window"}, flaws{list: timeless}},
	{"limits take the oldest", []string{"list-limit", "list-many", "error-traces-window"}, flaws{list: oldest}},
	{"until is closed", []string{"list-window", "error-traces-window"}, flaws{list: closedWindow}},
	{"since is open", []string{"list-window", "error-traces-window"}, flaws{list: openWindow}},
	{"traces without a time are left out", []string{"list-no-timestamp"}, flaws{list: timedOnly}},
	{"a null etype counts", []string{"error-traces"}, flaws{failed: func(i osprofiler.Info) bool { return i.Has("etype") }}},
	{"an empty etype does not count", []string{"error-traces"}, flaws{failed: func(i osprofiler.Info) bool { return i.Text("etype") != "" }}},
	{"etype counts anywhere", []string{"error-traces"}, flaws{failed: func(i osprofiler.Info) bool { return strings.Contains(string(i), "etype") }}},
	{"resuming skips one", []string{"changes", "changes-resumed"}, flaws{skips: true}},
	{"the last cursor leads to the beginning", []string{"changes"}, flaws{rewinds: true}},
	{"no changes are an error", []string{"changes-empty"}, flaws{noChanges: true}},
	{"any cursor is taken", []string{"changes-foreign-cursor"}, flaws{anyCursor: true}},
	{"contexts are ignored", []string{"cancelled-before", "cancelled-reading"}, flaws{deaf: true}},
	{"reading leaves a goroutine behind", []string{"early-break"}, flaws{leaks: true}},
	{"reading locks the store", []string{"write-while-reading"}, flaws{locks: true}},
	{"Close closes nothing", []string{"closed"}, flaws{open: true}},
	{"Close forgets", []string{"reopened"}, flaws{forgets: true}},
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

func timeless(traces []store.Trace, _ store.Query) []store.Trace {
	for i := range traces {
		traces[i].Timestamp = ""
	}
	return traces
}

func oldest(traces []store.Trace, q store.Query) []store.Trace {
	slices.Reverse(traces)
	return filtered(traces, q, q.Contains)
}

func closedWindow(traces []store.Trace, q store.Query) []store.Trace {
	return filtered(traces, q, func(t time.Time) bool { return q.Contains(t) || t.Equal(q.Until) })
}

func openWindow(traces []store.Trace, q store.Query) []store.Trace {
	return filtered(traces, q, func(t time.Time) bool { return q.Contains(t) && !t.Equal(q.Since) })
}

func timedOnly(traces []store.Trace, q store.Query) []store.Trace {
	return filtered(traces, q, func(t time.Time) bool { return q.Contains(t) && !t.IsZero() })
}

func filtered(traces []store.Trace, q store.Query, keep func(time.Time) bool) (kept []store.Trace) {
	for _, t := range traces {
		if keep(t.Time()) && (q.Limit == 0 || len(kept) < q.Limit) {
			kept = append(kept, t)
		}
	}
	return kept
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

// A store that cannot list failed traces has to say so.
func TestMissingCapability(t *testing.T) {
	h := harness(flaws{})
	open := h.Open
	h.Open = func(ctx context.Context, place string) (store.Store, error) {
		s, err := open(ctx, place)
		return bare{s}, err
	}
	for _, rule := range storetest.Rules() {
		capability := strings.HasPrefix(rule.Name, "error-traces") || strings.HasPrefix(rule.Name, "changes")
		if err := rule.Run(t, h); (err != nil) != capability {
			t.Errorf("rule %s on a store that can only what it must: %v", rule.Name, err)
		}
	}
}

type bare struct{ store.Store }

// An error of opening or closing is an error of the rule.
func TestStageErrors(t *testing.T) {
	broken := errors.New("broken")
	h := harness(flaws{})
	open := h.Open
	rule := storetest.Rules()[0]
	h.Open = func(ctx context.Context, place string) (store.Store, error) {
		s, err := open(ctx, place)
		return badClose{s, broken}, err
	}
	if err := rule.Run(t, h); !errors.Is(err, broken) {
		t.Errorf("Close that fails: %v", err)
	}
	h.Open = func(context.Context, string) (store.Store, error) { return nil, broken }
	if err := rule.Run(t, h); !errors.Is(err, broken) {
		t.Errorf("Open that fails: %v", err)
	}
}

type badClose struct {
	store.Store
	err error
}

func (b badClose) Close() error { return b.err }
