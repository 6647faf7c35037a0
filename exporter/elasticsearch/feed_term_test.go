package elasticsearch

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A document of a fakeShard.
type numbered struct {
	number, term int64
	id           string
}

// A fakeShard answers like an index with one shard. With a real server, it would take a
// cluster of several nodes to lose documents that no client was told are stored.
type fakeShard struct{ documents []numbered }

func (s *fakeShard) Perform(req *http.Request) (*http.Response, error) {
	answer := `{"i": {"settings": {"index": {"uuid": "u", "number_of_shards": "1"}}}}`
	if strings.HasSuffix(req.URL.Path, "_search") {
		answer = s.search(req.Body)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

func (s *fakeShard) search(body io.Reader) string {
	var r struct {
		Size  int               `json:"size"`
		Sort  []json.RawMessage `json:"sort"`
		Query json.RawMessage   `json:"query"`
	}
	if err := json.NewDecoder(body).Decode(&r); err != nil {
		return err.Error()
	}
	from, to := int64(0), int64(1<<60)
	if _, after, ok := strings.Cut(string(r.Query), `"gte":`); ok {
		_, _ = fmt.Sscan(after, &from)
	}
	if _, after, ok := strings.Cut(string(r.Query), `"lte":`); ok { // one gap
		_, _ = fmt.Sscan(after, &to)
		if _, gap, ok := strings.Cut(strings.SplitN(string(r.Query), `"should"`, 2)[1], `"gte":`); ok {
			_, _ = fmt.Sscan(gap, &from)
		}
	}
	documents := slices.Clone(s.documents)
	slices.SortFunc(documents, func(a, b numbered) int { return int(a.number - b.number) })
	if len(r.Sort) > 0 && strings.Contains(string(r.Sort[0]), "desc") {
		slices.Reverse(documents)
	}
	var hits []string
	for _, d := range documents {
		if d.number >= from && d.number <= to && len(hits) < r.Size {
			hits = append(hits, fmt.Sprintf(`{"_index": "i", "_id": %q, "_seq_no": %d, "_primary_term": %d, "_source": {"trace_id": %q}, "sort": [%d]}`,
				d.id, d.number, d.term, d.id, d.number))
		}
	}
	return `{"hits": {"hits": [` + strings.Join(hits, ",") + `]}}`
}

func (s *fakeShard) add(term int64, numbers ...int64) {
	for _, n := range numbers {
		s.documents = append(s.documents, numbered{n, term, fmt.Sprintf("%d/%d", n, term)})
	}
}

func (s *fakeShard) remove(numbers ...int64) {
	s.documents = slices.DeleteFunc(s.documents, func(d numbered) bool { return slices.Contains(numbers, d.number) })
}

// A new primary assigns the numbers of lost documents a second time. The feed yields the
// new documents, and the documents that became visible late, and repeats no other.
func TestFeedAfterNumbersWereGivenAgain(t *testing.T) {
	shard := &fakeShard{}
	s := New(shard, WithIndexName("i"))
	f, err := s.Feed(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	polls := func(want ...string) {
		t.Helper()
		var got []string
		for n, err := range f.Poll(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n.TraceID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	shard.add(1, 0, 1, 2, 3, 5, 6, 7)
	polls("0/1", "1/1", "2/1", "3/1", "5/1", "6/1", "7/1")
	shard.remove(6, 7)
	polls()
	shard.add(2, 6)
	polls("6/2") // not beyond the number that was passed
	shard.add(2, 7, 8)
	polls("7/2", "8/2")
	shard.add(1, 4) // was on the new primary, and visible late
	polls("4/1")
	shard.remove(8)
	shard.add(3, 8, 9)
	polls("8/3", "9/3")
	shard.add(3, 10)
	polls("10/3")
}
