package elasticsearch_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// pythonIndex creates an index as Python's driver does: by writing documents into
// an index that does not exist. The bodies are those of a capture.
func pythonIndex(t testing.TB, b bare, index string) {
	t.Helper()
	capture, err := os.ReadFile("testdata/python_documents.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	at := "/" + index + "/_doc"
	if strings.Contains(b.do(http.MethodGet, "/", ""), `"number" : "7.17`) {
		at = "/" + index + "/notification"
	}
	for body := range strings.Lines(string(capture)) {
		// One document of the capture has an array of numbers and texts, which Python
		// loses.
		if status, answer := b.try(http.MethodPost, at, body); status != http.StatusCreated && !strings.Contains(body, `"l":["x",2`) {
			t.Fatalf("%d %s", status, answer)
		}
	}
}

// hostileInfos returns infos that a dynamically mapped index refuses or
// spoils, and usual ones among them.
func hostileInfos(count int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	deep := func(open, end string, n int) string { return strings.Repeat(open, n) + "1" + strings.Repeat(end, n) }
	makers := []func(i int) string{
		func(i int) string { return fmt.Sprintf(`{"host": "h%d", "db": {"statement": "SELECT %d"}}`, i, i) },
		func(i int) string { return fmt.Sprintf(`{"host": "h", "conflict": %d}`, i) },
		func(i int) string { return `{"host": "h", "conflict": {"a": 1}}` },
		func(i int) string { return `{"host": "h", "conflict": "text"}` },
		func(i int) string { return `{"host": "h", "conflict": [1, {"a": "b"}, [2]]}` },
		func(i int) string { return `{"host": {"name": "h"}, "x": 1}` },
		func(i int) string { return `{"host": 5, "etype": {"a": 1}}` },
		func(i int) string { return `{"host": "h", "etype": "ValueError", "message": "no"}` },
		func(i int) string { return `{"host": "h", "etype": ["a", {"b": 1}]}` },
		func(i int) string { return `{"host": "h", "etype": []}` },
		func(i int) string { return `{"host": "h", "etype": null}` },
		func(i int) string { return `{"host": "h", "etype": ""}` },
		func(i int) string {
			return fmt.Sprintf(`{"host": "h", "key%d": {"k%d": {"z": %d}}}`, i, r.IntN(1000), i)
		},
		func(i int) string { return `{"host": "h", "deep": ` + deep(`{"a": `, `}`, 30) + `}` },
		func(i int) string { return `{"host": "h", "deep": ` + deep(`{"a": `, `}`, 400) + `}` },
		func(i int) string { return `{"host": "h", "deep": ` + deep(`[`, `]`, 1200) + `}` },
		func(i int) string {
			var wide []string
			for k := range 1100 {
				wide = append(wide, fmt.Sprintf(`"w%d": %d`, k, k))
			}
			return `{"host": "h", "wide": {` + strings.Join(wide, ", ") + `}}`
		},
		func(i int) string {
			return `{"host": "h", "big": 123456789012345678901234567890, "n": 1e+16, "f": 1.0}`
		},
		func(i int) string { return `{"host": "h", "big": ` + strings.Repeat("9", 1500) + `}` },
		func(i int) string { return `{"host": "h", "big": 1e400, "tiny": 5e-324, "minus": -0.0}` },
		func(i int) string { return `{"host": "a", "host": "b", "k": 1, "k": {"x": 2}}` },
		func(i int) string { return `{"host": "h", "n": NaN, "m": [Infinity, -Infinity]}` },
		func(i int) string { return `{"host": "h", "lone": "\ud800 and \udfff", "\ud83d": 1}` },
		func(i int) string { return `{"host": "\ud800"}` },
		func(i int) string { return `{"host": "h", "": "empty", "e": {"": {"": 1}}}` },
		func(i int) string { return `{"host": "h", "a.b": 1, "a": "text", ".": 1, "..": 2, "x.": 3, ".y": 4}` },
		func(i int) string { return `{"host": "h", "etype.x": 1}` },
		func(i int) string { return `{"host": "h", "_id": 1, "_source": {}, "_type": "x"}` },
		func(i int) string { return `{"host": "h", "long": "` + strings.Repeat("x", 40_000) + `"}` },
		func(i int) string { return `{"host": "h", "` + strings.Repeat("k", 60_000) + `": 1}` },
		func(i int) string { return `{"host": "` + strings.Repeat("h", 40_000) + `"}` },
		func(i int) string { return `{"host": "h", "etype": "` + strings.Repeat("E", 9_000) + `"}` },
		func(i int) string {
			return `{"host": "h", "nul": "\u0000", "ctl": "\u0001\n\r\u2028", "date": "2024-05-06"}`
		},
		func(i int) string { return `{"host": "h", "date": "no date"}` },
		func(i int) string { return `{"host": "h", "mixed": [1, "a", null, true, 1.5]}` },
		func(i int) string { return `{}` },
		func(i int) string { return `{"osp_original": "mine", "info.host": "mine"}` },
	}
	infos := make([]string, 0, count)
	for i := range count {
		infos = append(infos, makers[i%len(makers)](i))
	}
	return infos
}

// hostileMembers returns notifications whose other members are hostile.
func hostileMembers(t testing.TB) []osprofiler.Notification {
	t.Helper()
	id := func() string { return `"` + osprofiler.NewID() + `"` }
	members := func(base, trace, timestamp, rest string) string {
		return fmt.Sprintf(`{"name": "db-stop", "base_id": %s, "trace_id": %s, "parent_id": %s, "timestamp": %s, %s}`, base, trace, base, timestamp, rest)
	}
	const usual, rest = `"2024-05-06T07:08:09.000010"`, `"info": {"host": "h"}, "project": "nova", "service": "api"`
	long := func(n int) string { return `"` + strings.Repeat("l", n) + osprofiler.NewID() + `"` }
	texts := []string{
		members(long(300), id(), usual, rest), members(long(9_000), long(9_000), usual, rest), members(long(40_000), id(), usual, rest),
		members(`"`+strings.Repeat("😀", 200)+`"`, id(), usual, rest), members(`"\ud800 lone"`, id(), usual, rest), members(`"a\u0000b"`, id(), usual, rest),
		members(`17`, `18.5`, usual, rest), members(`null`, `null`, usual, rest), members(`""`, `""`, usual, rest), members(`{"a": 1}`, `[1]`, usual, rest), members(`true`, id(), usual, rest),
		members(id(), id(), `"2024-05-06 07:08:09"`, rest), members(id(), id(), `"2024-05-06T07:08:09.123456789+02:00"`, rest), members(id(), id(), `"yesterday"`, rest),
		members(id(), id(), `17`, rest), members(id(), id(), `null`, rest), members(id(), id(), `""`, rest), members(id(), id(), `"0000-00-00T00:00:00.000000"`, rest),
		members(id(), id(), usual, `"info": 5`), members(id(), id(), usual, `"info": "text", "project": {"a": 1}, "service": 7`), members(id(), id(), usual, `"info": null`),
		members(id(), id(), usual, `"info": [1, {"a": 2}]`), members(id(), id(), usual, `"project": null, "service": null`),
		members(id(), id(), usual, rest+`, "osp_original": "mine"`), members(id(), id(), usual, rest+`, "info.host": "mine"`), members(id(), id(), usual, rest+`, "info.etype": "E"`),
		members(id(), id(), usual, rest+`, "_id": "x", "_routing": 1`), members(id(), id(), usual, rest+`, "extra": {"a": [1]}, "": 1`),
		members(id(), id(), usual, rest+`, "name": "again-start", "base_id": "again"`), `{"base_id": ` + id() + `}`, `{}`,
	}
	var all []osprofiler.Notification
	for _, text := range texts {
		n, err := osprofiler.ParseNotification(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// stored returns the notifications in an index, by the ids of their documents.
func stored(t testing.TB, b bare, index string) map[string]osprofiler.Notification {
	t.Helper()
	var page struct {
		ScrollID string `json:"_scroll_id"`
		Hits     struct {
			Hits []struct {
				ID     string          `json:"_id"`
				Source json.RawMessage `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	all := map[string]osprofiler.Notification{}
	answer := b.do(http.MethodPost, "/"+index+"/_search?scroll=1m&size=500", `{"sort":["_doc"]}`)
	for {
		page.Hits.Hits = nil
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			t.Fatal(err)
		}
		if len(page.Hits.Hits) == 0 {
			b.do(http.MethodDelete, "/_search/scroll", `{"scroll_id":"`+page.ScrollID+`"}`)
			return all
		}
		for _, hit := range page.Hits.Hits {
			n, err := elasticsearch.DecodeDocument(hit.Source)
			if err != nil {
				t.Fatalf("%v: %.500s", err, hit.Source)
			}
			all[hit.ID] = n
		}
		answer = b.do(http.MethodPost, "/_search/scroll", `{"scroll":"1m","scroll_id":"`+page.ScrollID+`"}`)
	}
}

// checkStored reports notifications of the batch that are not stored as they are.
func checkStored(t *testing.T, b bare, index string, batch []osprofiler.Notification) {
	t.Helper()
	all := stored(t, b, index)
	for i := range batch {
		back, ok := all[elasticsearch.DocumentID(batch[i].AppendJSON(nil))]
		switch {
		case !ok:
			t.Errorf("not stored: %.300s", batch[i].JSON())
		case !back.Equal(batch[i]):
			t.Errorf("stored as %.300s\nwant %.300s", back.JSON(), batch[i].JSON())
		}
	}
}

// checkFound reports notifications of the batch that the index does not find by
// their base id, or not as failures.
func checkFound(t *testing.T, b bare, index string, batch []osprofiler.Notification) {
	t.Helper()
	l, err := elasticsearch.ParseLayout([]byte(b.do(http.MethodGet, "/"+index+"/_mapping", "")))
	if err != nil {
		t.Fatal(err)
	}
	type hits struct {
		Hits struct {
			Hits []struct {
				ID     string              `json:"_id"`
				Fields map[string][]string `json:"fields"`
				Source struct {
					Original string `json:"osp_original"`
					Spare    string `json:"info.host"`
				} `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	search := func(query string) map[string][]string {
		var page hits
		body := fmt.Sprintf(`{"size": 10000, "_source": ["osp_original", "info.host"], "docvalue_fields": [%q], "query": %s}`, l.BaseID(), query)
		if err := json.Unmarshal([]byte(b.do(http.MethodPost, "/"+index+"/_search", body)), &page); err != nil {
			t.Fatal(err)
		}
		ids := map[string][]string{}
		forms := map[string]int{}
		for _, hit := range page.Hits.Hits {
			ids[hit.ID] = hit.Fields[l.BaseID()]
			forms[fmt.Sprint(hit.Source.Original != "", hit.Source.Spare != "")]++
		}
		t.Logf("%s: %d; with original, with spare: %v", query, len(ids), forms)
		return ids
	}
	all, failed := search(`{"match_all": {}}`), search(fmt.Sprintf(`{"exists": {"field": %q}}`, l.Etype()))
	for i := range batch {
		n, id := &batch[i], elasticsearch.DocumentID(batch[i].AppendJSON(nil))
		if terms := all[id]; len(terms) != 1 || terms[0] != elasticsearch.IDTerms(driver.Text(n.BaseID))[0] {
			t.Errorf("base id %.100q is found as %.100q", n.BaseID, terms)
		}
		if _, isFailure := failed[id]; isFailure != n.Info.Failed() {
			t.Errorf("failure %t: %.300s", isFailure, n.JSON())
		}
	}
}

// An index that Python's documents made by dynamic mapping takes each notification,
// and so does our own. Each of the infos occurs three times, and 80 times with
// testenv.Soak.
func TestHostile(t *testing.T) {
	count, size := 111, 50
	if testenv.Soak() {
		count, size = 3000, 500
	}
	for name, prepare := range map[string]func(t testing.TB, b bare, index string){
		"python": pythonIndex,
		"ours":   func(testing.TB, bare, string) {},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, url string) {
				url, index := newPlace(t, url)
				b := newBare(t, url)
				prepare(t, b, index)
				batch := hostileMembers(t)
				for i, info := range hostileInfos(count) {
					n := note("db-start", info)
					n.Service = fmt.Sprint("service", i%7)
					batch = append(batch, n)
				}
				s := open(t, url)
				for first := 0; first < len(batch); first += size {
					if err := writeAgain(t, s, batch[first:min(first+size, len(batch))]); err != nil {
						t.Errorf("%.2000v", err)
					}
				}
				checkStored(t, b, index, batch)
				checkFound(t, b, index, batch)
			})
		})
	}
}
