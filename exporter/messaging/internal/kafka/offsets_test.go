package kafka

import (
	"testing"
	"time"
)

// fromTimelines returns partitions whose messages have the given times, in order.
func fromTimelines(timelines ...[]int64) (spans []span, from func(int64) ([]span, error), calls *int) {
	for i, times := range timelines {
		spans = append(spans, span{place: place{"t", int32(i)}, end: int64(len(times))})
	}
	calls = new(int)
	return spans, func(time int64) ([]span, error) {
		*calls++
		at := emptied(spans)
		for i, times := range timelines {
			for offset, t := range times {
				if t >= time {
					at[i].start = int64(offset)
					break
				}
			}
		}
		return at, nil
	}, calls
}

func TestNewest(t *testing.T) {
	const hour = 3_600_000
	series := func(first, step int64, n int) (times []int64) {
		for i := range n {
			times = append(times, first+int64(i)*step)
		}
		return times
	}
	now := time.Now().Add(-100 * time.Hour).UnixMilli()
	for name, c := range map[string]struct {
		timelines [][]int64
		limit     int64
		starts    []int64
	}{
		"1970":            {[][]int64{series(0, 1, 100)}, 50, []int64{50}},
		"one millisecond": {[][]int64{series(now, 0, 100)}, 30, []int64{70}},
		"two partitions":  {[][]int64{series(now, hour, 100), series(now+50*hour, hour, 50)}, 20, []int64{90, 40}},
		"one is older":    {[][]int64{series(5, 1, 100), series(now, 1, 50)}, 50, []int64{100, 0}},
		"no limit":        {[][]int64{series(now, 1, 100)}, 0, []int64{100}},
		"far future":      {[][]int64{series(1<<60, 1, 100)}, 10, []int64{90}},
	} {
		spans, from, calls := fromTimelines(c.timelines...)
		got, err := newest(spans, c.limit, from)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.starts {
			if got[i].start != want {
				t.Errorf("%s: partition %d begins at %d, want %d", name, i, got[i].start, want)
			}
		}
		if size(got) > c.limit || *calls > 60 {
			t.Errorf("%s: %d offsets of %d after %d requests", name, size(got), c.limit, *calls)
		}
	}
}
