package driver_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// The table of hashes gives the same counts as maps of the ids, also after a Reset.
func TestOperations(t *testing.T) {
	var o driver.Operations
	rapid.Check(t, func(t *rapid.T) {
		o.Reset()
		known, failed := map[string]bool{}, map[string]bool{}
		for range rapid.IntRange(0, 400).Draw(t, "notifications") {
			n := osprofiler.Notification{Name: rapid.SampledFrom([]string{"a-start", "a-stop", "b-stop"}).Draw(t, "name")}
			if id := rapid.IntRange(0, 200).Draw(t, "id"); id < 190 {
				n.TraceID = fmt.Sprint(id)
			} else {
				n.ParentID = fmt.Sprint(id % 2)
			}
			key := n.TraceID
			if key == "" {
				key = n.Operation() + "/" + n.ParentID
			}
			fails := rapid.IntRange(0, 9).Draw(t, "fails") == 0
			known[key], failed[key] = true, failed[key] || fails
			o.Add(&n, fails)
		}
		want := 0
		for _, f := range failed {
			if f {
				want++
			}
		}
		if operations, failures := o.Count(); operations != len(known) || failures != want {
			t.Fatalf("%d operations, %d failed; want %d and %d", operations, failures, len(known), want)
		}
	})
}

// Most traces have few operations, so each needs little memory.
func TestOperationsMemory(t *testing.T) {
	start := osprofiler.Notification{Name: "a-start", TraceID: osprofiler.NewID()}
	stop := osprofiler.Notification{Name: "a-stop", TraceID: start.TraceID}
	allocations := testing.AllocsPerRun(100, func() {
		var o driver.Operations
		o.Add(&start, false)
		o.Add(&stop, true)
	})
	if allocations > 1 {
		t.Errorf("%.0f allocations for one operation", allocations)
	}
}
