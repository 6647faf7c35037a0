package analyze_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/analyze"
	"github.com/osprofiler-otel/osprofiler/reader/internal/readertest"
)

// specs generates the operations of a trace: nested ones, operations whose times are
// unrelated to those of their parents, halves, and negative durations, on several hosts.
func specs(oddness, hosts int) *rapid.Generator[[]spec] {
	return rapid.Custom(func(t *rapid.T) (all []spec) {
		for i := range rapid.IntRange(0, 24).Draw(t, "operations") {
			s := spec{
				parent: rapid.IntRange(-1, i-1).Draw(t, "parent"), name: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"),
				begin: rapid.IntRange(0, 400).Draw(t, "begin"), info: map[string]any{},
			}
			s.end = s.begin + rapid.IntRange(0, 200).Draw(t, "duration")
			if p := s.parent; p >= 0 && rapid.IntRange(0, 99).Draw(t, "nested") >= oddness && all[p].begin >= 0 && all[p].end >= all[p].begin {
				s.begin = rapid.IntRange(all[p].begin, all[p].end).Draw(t, "begin in the parent")
				s.end = rapid.IntRange(s.begin, all[p].end).Draw(t, "end in the parent")
			}
			switch odd := rapid.IntRange(0, 99).Draw(t, "odd"); {
			case odd < oddness/8:
				s.end = -1
			case odd < oddness/4:
				s.begin = -1
			case odd < oddness/3:
				s.begin, s.end = s.end, s.begin
			case odd < oddness/2:
				s.fail = "E"
			}
			if hosts > 1 {
				s.host = fmt.Sprint("h", rapid.IntRange(1, hosts).Draw(t, "host"))
			}
			if rapid.Bool().Draw(t, "call") {
				s.set("call", rapid.SampledFrom([]string{"f", "g"}).Draw(t, "function"))
			}
			all = append(all, s)
		}
		return all
	})
}

func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := build(t, specs(rapid.SampledFrom([]int{0, 30, 90}).Draw(t, "oddness"), 1).Draw(t, "trace"))
		a := analyze.Trace(r)
		checkLaws(t, r, a)
		if a.TraceBegin < a.TraceEnd {
			if want := newOracle(r).segments(); !slices.Equal(a.CriticalPath.Segments, want) {
				t.Errorf("got  %v\nwant %v", a.CriticalPath.Segments, want)
			}
		}
	})
}

// The laws of checkLaws apply to traces of several hosts, whose clocks may be corrected.
func TestLawsOfClocks(t *testing.T) {
	moved := 0
	rapid.Check(t, func(t *rapid.T) {
		r := build(t, specs(60, 3).Draw(t, "trace"))
		a := analyze.Trace(r)
		checkLaws(t, r, a)
		moved += a.Skew.Moved
	})
	if moved == 0 {
		t.Error("no clock was corrected")
	}
}

// The laws of checkLaws apply to traces in which every member may be odd, with cycles and
// orphans.
func TestLawsOfOddTraces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := readertest.OddTrace(rapid.SampledFrom([]int{5, 40}).Draw(t, "oddness")).Draw(t, "trace")
		var list []json.RawMessage
		if err := json.Unmarshal([]byte(strings.NewReplacer("NaN", "1", "Infinity", "2", "-0", "0").Replace(text)), &list); err != nil {
			t.Fatal(err)
		}
		r, err := reader.BuildReport(func(yield func(osprofiler.Notification, error) bool) {
			for _, raw := range list {
				if n, err := osprofiler.ParseNotification(string(raw)); err == nil && !yield(n, nil) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		checkLaws(t, r, analyze.Trace(r))
	})
}

// The differences of B and A are the mirror image of those of A and B.
func TestDiffMirror(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := build(t, specs(40, 3).Draw(t, "A")), build(t, specs(40, 3).Draw(t, "B"))
		ab, ba := analyze.Diff(a, b), analyze.Diff(b, a)
		mirror := *ba
		mirror.A, mirror.B, mirror.Delta = ba.B, ba.A, -ba.Delta
		mirror.Changes = slices.Clone(ba.Changes)
		kinds := map[analyze.ChangeKind]analyze.ChangeKind{
			analyze.Slower: analyze.Faster, analyze.Faster: analyze.Slower, analyze.Came: analyze.Went, analyze.Went: analyze.Came, analyze.Changed: analyze.Changed,
			analyze.NowFails: analyze.NoLongerFail, analyze.NoLongerFail: analyze.NowFails,
		}
		var sum analyze.Duration
		for i, c := range mirror.Changes {
			c.A, c.B, c.Delta, c.Change = c.B, c.A, -c.Delta, kinds[c.Change]
			mirror.Changes[i] = c
			sum += c.Delta
		}
		mirror.Calls = slices.Clone(ba.Calls)
		var calls analyze.Duration
		for i, c := range mirror.Calls {
			c.A, c.B, c.Delta, c.Change = c.B, c.A, -c.Delta, kinds[c.Change]
			mirror.Calls[i] = c
			calls += c.Delta
		}
		if got, want := fmt.Sprintf("%+v", mirror), fmt.Sprintf("%+v", *ab); got != want {
			t.Errorf("the mirror is\n%s, want\n%s", got, want)
		}
		var self analyze.Duration
		for _, d := range analyze.Trace(b).Self {
			self += analyze.Duration(d)
		}
		for _, d := range analyze.Trace(a).Self {
			self -= analyze.Duration(d)
		}
		if sum != self || calls != self {
			t.Errorf("the changes sum up to %v, those of the calls to %v, the self times differ by %v", sum, calls, self)
		}
	})
}
