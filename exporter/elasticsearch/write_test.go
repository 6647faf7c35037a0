package elasticsearch_test

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler"
)

func note(name, info string) osprofiler.Notification {
	id := osprofiler.NewID()
	return osprofiler.Notification{
		Name: name, BaseID: id, TraceID: osprofiler.NewID(), ParentID: id,
		Timestamp: "2024-05-06T07:08:09.000010", Info: osprofiler.Info(info), Project: "nova", Service: "api",
	}
}

func TestWriteOne(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		p, index := newPlace(t, url)
		s := open(t, p)
		if err := s.Write(t.Context(), []osprofiler.Notification{note("db-start", `{"host": "h", "n": 1e+16, "big": 123456789012345678901234567890, "e": "\u00e9\u0041"}`)}); err != nil {
			t.Fatal(err)
		}
		t.Log(newBare(t, url).do("GET", "/"+index+"/_search", ""))
		t.Log(newBare(t, url).do("GET", "/"+index, ""))
	})
}
