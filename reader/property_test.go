package reader_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/readertest"
)

// drawForest draws operations with parents before them in the list and different times. It
// returns their events and the tree that they should make.
func drawForest(t *rapid.T) (events []string, want string) {
	type op struct {
		name, id, parent string
		start, stop      int
	}
	var ops []op
	clock := 0
	for i := range rapid.IntRange(1, 30).Draw(t, "operations") {
		o := op{name: rapid.SampledFrom([]string{"a", "b-c", "wsgi"}).Draw(t, "name"), id: fmt.Sprint("t", i), parent: "b"}
		if i > 0 && rapid.Bool().Draw(t, "has a parent") {
			o.parent = fmt.Sprint("t", rapid.IntRange(0, i-1).Draw(t, "parent"))
		}
		clock += rapid.IntRange(1, 1500).Draw(t, "pause")
		o.start = clock
		o.stop = o.start + rapid.IntRange(0, 40_000).Draw(t, "duration")
		ops = append(ops, o)
		events = append(events, event(o.name+"-start", o.id, o.parent, o.start), event(o.name+"-stop", o.id, o.parent, o.stop))
	}
	first := ops[0].start
	var under func(parent string) string
	under = func(parent string) (out string) {
		for _, o := range ops { // in order of their start
			if o.parent != parent {
				continue
			}
			if out != "" {
				out += ", "
			}
			out += fmt.Sprintf("%s %d-%d", o.name, (o.start-first)/1000, (o.stop-first)/1000)
			if children := under(o.id); children != "" {
				out += " [" + children + "]"
			}
		}
		return out
	}
	return events, under("b")
}

// The tree of a forest depends on the ids and times of the notifications, but not on their
// order.
func TestTreeDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events, want := drawForest(rt)
		rand := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "order"), 0))
		rand.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		twice := append(slices.Clone(events), events[:rapid.IntRange(0, len(events)).Draw(rt, "repeated")]...)
		r := own(rt, twice...)
		if got := shape(r); got != want {
			rt.Fatalf("the tree is %s, want %s", got, want)
		}
	})
}

// In a report of any notifications, each different notification appears once, and every
// operation is counted. The report does not depend on the order of the notifications, except
// for ties and the order of keys. It can be saved and read.
func TestOwnReportsOfAnything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := elements(readertest.OddTrace(rapid.SampledFrom([]int{0, 10, 50, 90}).Draw(rt, "oddness")).Draw(rt, "trace"))
		r, err := reader.BuildReport(sequence(rt, events...))
		if err != nil {
			rt.Fatal(err)
		}
		checkComplete(rt, notifications(rt, sequence(rt, events...)), r)
		saved := encode(rt, r)
		again, err := reader.ParseReport(saved)
		if err != nil {
			rt.Fatal(err)
		}
		if got := encode(rt, again); got != saved {
			rt.Errorf("read back it is %s\nwant %s", got, saved)
		}
		slices.Reverse(events)
		reversed, err := reader.BuildReport(sequence(rt, events...))
		if err != nil {
			rt.Fatal(err)
		}
		if got, want := content(reversed), content(r); !slices.Equal(got, want) {
			rt.Errorf("the other way round it is %q\nwant %q", got, want)
		}
	})
}

// content lists the content of a report's operations, without their order.
func content(r *reader.Report) (all []string) {
	for _, n := range r.Nodes() {
		var keys []string
		for _, e := range n.Events {
			keys = append(keys, e.Key()+e.Payload)
		}
		slices.Sort(keys)
		all = append(all, fmt.Sprintf("%s %s %s %s %s %s %s %t %d-%d %s %q", n.Name, n.TraceID, n.ParentID,
			n.Project, n.Service, n.Host, n.Exception, n.Failed, n.Started, n.Finished, n.Incomplete, keys))
	}
	slices.Sort(all)
	return all
}
