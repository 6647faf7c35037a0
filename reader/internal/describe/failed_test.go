package describe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/internal/describe"
)

func TestFailed(t *testing.T) {
	span := func(status, code string) string {
		text := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"http.response.status_code","value":{"intValue":"` + code + `"}}],"status":{` + status + `}}]}]}]}`
		return `{"host": "h", "otel": "` + strings.ReplaceAll(text, `"`, `\"`) + `"}`
	}
	for _, c := range []struct {
		info, errorType, failure string
	}{
		{`{"host": "h"}`, "", ""},
		{`{"requests": {"status_code": 200}}`, "", ""},
		{`{"requests": {"status_code": 404}}`, "", ""},
		{`{"requests": {"status_code": 500}}`, "500", "HTTP 500"},
		{`{"requests": {"status_code": "599"}}`, "599", "HTTP 599"},
		{`{"requests": {"status_code": 5000}}`, "", ""},
		{`{"requests": {"status_code": "5xx"}}`, "", ""},
		{`{"requests": {"status_code": 503}, "etype": "Timeout", "message": "m"}`, "Timeout", "Timeout: m"},
		{`{"etype": "404", "message": "m"}`, "404", "HTTP 404: m"},
		{span("", "503"), "503", "HTTP 503"},
		{span("", "404"), "", ""},
		{span(`"code":1`, "503"), "", ""},
		{span(`"code":"STATUS_CODE_OK"`, "503"), "", ""},
		{`{"otel": "status_code 503"}`, "", ""},
	} {
		n := osprofiler.Notification{Name: "http-start", BaseID: "b", TraceID: "t", ParentID: "b", Timestamp: osprofiler.FormatTime(time.Unix(1, 0)), Info: `{}`}
		stop := n
		stop.Name, stop.Info = "http-stop", osprofiler.Info(c.info)
		r, err := reader.BuildReport(func(yield func(osprofiler.Notification, error) bool) { _ = yield(n, nil) && yield(stop, nil) })
		if err != nil {
			t.Fatal(err)
		}
		node := r.Children[0]
		if got := describe.Failed(node); got != (c.failure != "") {
			t.Errorf("%s: failed is %v", c.info, got)
		}
		if c.failure == "" {
			continue
		}
		if got := describe.ErrorType(node); got != c.errorType {
			t.Errorf("%s: the type of the error is %q, want %q", c.info, got, c.errorType)
		}
		if got := describe.Failure(node); got != c.failure {
			t.Errorf("%s: the error is %q, want %q", c.info, got, c.failure)
		}
	}
}
