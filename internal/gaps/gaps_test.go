package gaps_test

import (
	"slices"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/cursor"
	"github.com/osprofiler-otel/osprofiler/internal/gaps"
)

// A joined gap has the number and the sum of the rows between the ids of the gap from which
// it was made.
func TestWithoutSteps(t *testing.T) {
	var all gaps.List
	all = all.Add(2, 3, 7).Add(5, 6, 7).Add(8, 9, 7) // rows 4 and 7
	all = all.Add(20, 25, 7)
	want := gaps.List{
		{From: 2, To: 9, Step: 8, Width: 8, Since: 7, Joined: true, Rows: 2, Sum: 2 + 5},
		{From: 20, To: 25, Step: 6, Width: 6, Since: 7},
	}
	if got := all.WithoutSteps(); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWriteAndRead(t *testing.T) {
	var all gaps.List
	all = all.Add(2, 3, 7).Add(5, 6, 7).Add(8, 9, 7).Add(20, 25, 8).Add(40, 40, 9)
	joined := slices.Clone(all).Bounded(2)
	for _, list := range []gaps.List{nil, all, joined} {
		var w cursor.Writer
		list.Write(&w)
		c := cursor.Codec{Prefix: "x"}
		r, err := c.Decode(c.Encode(w.Body()))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := gaps.Read(r); !ok || !r.Done() || !slices.Equal(got, list) {
			t.Errorf("%+v is read as %+v, %v", list, got, ok)
		}
	}
}
