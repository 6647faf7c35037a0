package elasticsearch_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"
)

// A document of two thousand levels overflows the stack of a server that parses it.
func TestDeepDocument(t *testing.T) {
	for _, c := range []struct {
		info string
		deep bool
	}{
		{`{"a": ` + strings.Repeat(`{"a": `, 98) + `"\"{[\\"` + strings.Repeat("}", 98) + `}`, false},
		{`{"a": ` + strings.Repeat(`{"a": `, 99) + `1` + strings.Repeat("}", 99) + `}`, true},
		{`{"a": "` + strings.Repeat(`{\"[`, 200) + `"}`, false},
		{`{"a": [` + strings.Repeat(`{}, [], `, 200) + `1]}`, false},
		{`{"a": ` + strings.Repeat(`[`, 2000) + strings.Repeat("]", 2000) + `}`, true},
	} {
		n := osprofiler.Notification{Name: "x-start", BaseID: osprofiler.NewID(), TraceID: osprofiler.NewID(), Timestamp: "2024-05-06T07:08:09.000010", Info: osprofiler.Info(c.info)}
		if got := elasticsearch.NeedsShortForm(&n); got != c.deep {
			t.Errorf("the info %.40s… needs the short form: %v", c.info, got)
		}
	}
	onEach(t, func(t *testing.T, url string) {
		at, index := newPlace(t, url)
		b := newBare(t, url)
		b.do(http.MethodPost, "/"+index+"/_doc", `{"name": "x-start"}`)
		s := open(t, at)
		var all []osprofiler.Notification
		for _, value := range []string{strings.Repeat(`{"a": `, 2000) + "1" + strings.Repeat("}", 2000), strings.Repeat("[", 2000) + strings.Repeat("]", 2000)} {
			all = append(all, osprofiler.Notification{Name: "x-start", BaseID: "deep", TraceID: osprofiler.NewID(), Timestamp: "2024-05-06T07:08:09.000010", Info: osprofiler.Info(`{"a": ` + value + `}`)})
		}
		if err := writeAgain(t, s, all); err != nil {
			t.Fatal(err)
		}
		count := 0
		for n, err := range s.Notifications(t.Context(), "deep") {
			if err != nil || n.Info != all[0].Info && n.Info != all[1].Info {
				t.Errorf("%.200s: %v", n.JSON(), err)
			}
			count++
		}
		if count != len(all) {
			t.Errorf("%d notifications", count)
		}
	})
}
