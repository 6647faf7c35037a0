//go:build !race

package convert_test

import (
	"runtime"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// Converting the start and the stop of a span one after the other, as the live processor does,
// costs about as much as converting the span in a batch. The start is not converted again with
// the stop, and no resource is encoded again.
func TestAllocationsOfLiveConversion(t *testing.T) {
	spans := sdkSpans(batchSize)
	c := convert.New()
	notifications := make([]osprofiler.Notification, 0, 2*batchSize)
	batch := func() { notifications = c.Append(notifications[:0], convert.Both, spans...) }
	live := func() {
		notifications = notifications[:0]
		for _, s := range spans {
			notifications = c.Append(notifications, convert.Starts, s)
			notifications = c.Append(notifications, convert.Stops, s)
		}
	}
	inBatch, lively := testing.AllocsPerRun(10, batch)/batchSize, testing.AllocsPerRun(10, live)/batchSize
	if inBatch > 1.1 || lively > 2.1 {
		t.Errorf("%.2f allocations a span in a batch and %.2f live; there should be one for each text: 1 and 2", inBatch, lively)
	}
	if batchBytes, liveBytes := bytesOf(batch), bytesOf(live); liveBytes > batchBytes*11/10 {
		t.Errorf("%d bytes a span live, %d in a batch", liveBytes/batchSize, batchBytes/batchSize)
	}
}

// bytesOf returns how many bytes a call allocates.
func bytesOf(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		call()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / 10
}
