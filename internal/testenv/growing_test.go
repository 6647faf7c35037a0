package testenv

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// failing is a testing.TB that records its failure.
type failing struct {
	testing.TB

	failed bool
}

func (f *failing) Helper()               {}
func (f *failing) Logf(string, ...any)   {}
func (f *failing) Errorf(string, ...any) { f.failed = true }

// Growing ends with the first success, or fails with the longest time.
func TestGrowing(t *testing.T) {
	for name, c := range map[string]struct {
		enough time.Duration
		want   []time.Duration
		fails  bool
	}{
		"at once":    {time.Second, []time.Duration{5 * time.Second}, false},
		"later":      {10 * time.Second, []time.Duration{5 * time.Second, 15 * time.Second}, false},
		"not at all": {time.Hour, []time.Duration{5 * time.Second, 15 * time.Second, 45 * time.Second}, true},
	} {
		var got []time.Duration
		f := &failing{TB: t}
		Growing(f, 5*time.Second, func(d time.Duration) error {
			got = append(got, d)
			if d < c.enough {
				return errors.New("too short")
			}
			return nil
		})
		if !slices.Equal(got, c.want) || f.failed != c.fails {
			t.Errorf("%s: tried %v, failed: %v", name, got, f.failed)
		}
	}
}
