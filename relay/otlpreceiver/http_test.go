package otlpreceiver_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
)

const free = "otlp+http://127.0.0.1:0"

func urlOf(r *otlpreceiver.Receiver) string { return "http://" + r.Addr().String() + "/v1/traces" }

type answer struct {
	code   int
	header http.Header
	body   []byte
}

// send sends a request and returns the answer. Pairs of header names and values may
// follow the body.
func send(t testing.TB, method, url, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, content}
}

func postJSON(t testing.TB, r *otlpreceiver.Receiver, body string, headers ...string) answer {
	t.Helper()
	return send(t, http.MethodPost, urlOf(r), body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

// untilTaken sends a request again until the answer is 200. On a busy machine the time of
// osp_wait may be over before.
func untilTaken(t testing.TB, r *otlpreceiver.Receiver, body string) (requests int) {
	t.Helper()
	eventually(t, "an answer with 200", func() bool {
		requests++
		return postJSON(t, r, body).code == http.StatusOK
	})
	return requests
}

// statusOf reads an error in the encoding that the answer's content type names.
func statusOf(t testing.TB, a answer) *spb.Status {
	t.Helper()
	status := &spb.Status{}
	var err error
	if a.header.Get("Content-Type") == "application/json" {
		err = protojson.Unmarshal(a.body, status)
	} else {
		err = proto.Unmarshal(a.body, status)
	}
	if err != nil || status.Message == "" {
		t.Fatalf("no google.rpc.Status: %v %q", err, a.body)
	}
	return status
}

func responseOf(t testing.TB, a answer) *coltracepb.ExportTraceServiceResponse {
	t.Helper()
	response := &coltracepb.ExportTraceServiceResponse{}
	err := proto.Unmarshal(a.body, response)
	if a.header.Get("Content-Type") == "application/json" {
		err = protojson.Unmarshal(a.body, response)
	}
	if err != nil || a.code != http.StatusOK {
		t.Fatalf("%d %s %v", a.code, a.body, err)
	}
	return response
}

func zipped(t testing.TB, text string) string {
	t.Helper()
	b := &bytes.Buffer{}
	w := gzip.NewWriter(b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHTTPJSON(t *testing.T) {
	r := open(t, free)
	to := (&target{}).drain(t, r)
	for _, headers := range [][]string{nil, {"Content-Encoding", "gzip"}} {
		body := jsonRequest(jsonSpan(1, "one"), jsonSpan(2, "two"))
		if headers != nil {
			body = zipped(t, body)
		}
		if got := responseOf(t, postJSON(t, r, body, headers...)); got.PartialSuccess != nil {
			t.Error(got)
		}
	}
	const want = "one-start one-stop two-start two-stop"
	if got := to.operations(); got != want+" "+want {
		t.Errorf("the target has %s", got)
	}
	if n := to.notifications()[0]; n.BaseID != "01234567-89ab-cdef-0123-456789abcdef" || n.Service != "nova" {
		t.Errorf("%+v", n)
	}
	if got := r.Stats(); got != (otlpreceiver.Stats{Requests: 2, Spans: 4}) {
		t.Errorf("%+v", got)
	}
}

// The answers are those of the OTLP specification.
func TestHTTPAnswers(t *testing.T) {
	r := open(t, free+"?osp_max_message_size=1000&osp_token=secret")
	(&target{}).drain(t, r)
	good := jsonRequest(jsonSpan(1, "one"))
	auth := []string{"Authorization", "Bearer secret"}
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		code               int
		text               string
	}{
		"good":        {"POST", "", good, append(auth, "Content-Type", "application/json; charset=utf-8"), 200, "{}"},
		"lower":       {"POST", "", good, []string{"Authorization", "bearer secret", "Content-Type", "application/json"}, 200, "{}"},
		"empty":       {"POST", "", "{}", append(auth, "Content-Type", "application/json"), 200, "{}"},
		"no token":    {"POST", "", good, []string{"Content-Type", "application/json"}, 401, "Bearer"},
		"wrong token": {"POST", "", good, []string{"Authorization", "Bearer secre", "Content-Type", "application/json"}, 401, "Bearer"},
		"basic":       {"POST", "", good, []string{"Authorization", "Basic secret", "Content-Type", "application/json"}, 401, "Bearer"},
		"get":         {"GET", "", "", auth, 405, "POST"},
		"metrics":     {"POST", "/v1/metrics", good, auth, 404, "/v1/traces"},
		"text":        {"POST", "", good, append(auth, "Content-Type", "text/plain"), 415, "application/x-protobuf"},
		"no type":     {"POST", "", good, auth, 415, "application/x-protobuf"},
		"zstd":        {"POST", "", good, append(auth, "Content-Type", "application/json", "Content-Encoding", "zstd"), 415, "gzip"},
		"large":       {"POST", "", good + strings.Repeat(" ", 1000), append(auth, "Content-Type", "application/json"), 413, "1000 bytes"},
		"bomb":        {"POST", "", zipped(t, good+strings.Repeat(" ", 1<<20)), append(auth, "Content-Type", "application/json", "Content-Encoding", "gzip"), 413, "1000 bytes"},
		"no gzip":     {"POST", "", good, append(auth, "Content-Type", "application/json", "Content-Encoding", "gzip"), 400, "not gzip"},
		"cut gzip":    {"POST", "", zipped(t, good)[:60], append(auth, "Content-Type", "application/json", "Content-Encoding", "gzip"), 400, "cannot be read"},
		"no JSON":     {"POST", "", `{"resourceSpans":[`, append(auth, "Content-Type", "application/json"), 400, "cannot be read"},
		"list":        {"POST", "", `[]`, append(auth, "Content-Type", "application/json"), 400, "JSON object with the member resourceSpans, not a list"},
		"null":        {"POST", "", " null ", append(auth, "Content-Type", "application/json"), 400, "not null"},
		"no body":     {"POST", "", "", append(auth, "Content-Type", "application/json"), 400, "cannot be read"},
		"short gzip":  {"POST", "", "no", append(auth, "Content-Type", "application/json", "Content-Encoding", "gzip"), 400, "not gzip"},
		"half a gzip": {"POST", "", zipped(t, good)[:100], append(auth, "Content-Type", "application/json", "Content-Encoding", "gzip"), 400, "its gzip form, or the connection, ended too early"},
		"no protobuf": {"POST", "", "\xff\xff", append(auth, "Content-Type", "application/x-protobuf"), 400, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			path := c.path
			if path == "" {
				path = "/v1/traces"
			}
			a := send(t, c.method, "http://"+r.Addr().String()+path, c.body, c.headers...)
			text := string(a.body)
			if c.code != 200 {
				text = statusOf(t, a).Message
			}
			if a.code != c.code || !strings.Contains(text, c.text) {
				t.Errorf("%d %q, not %d and %q", a.code, text, c.code, c.text)
			}
			if want := map[bool]string{true: "application/x-protobuf", false: "application/json"}[name == "no protobuf"]; a.header.Get("Content-Type") != want {
				t.Errorf("the answer has the type %q", a.header.Get("Content-Type"))
			}
			if a.header.Get("Retry-After") != "" {
				t.Error("the client is asked to send it again")
			}
			if allow := a.header.Get("Allow"); (allow == "POST") != (c.code == 405) {
				t.Errorf("Allow: %q", allow)
			}
			if challenge := a.header.Get("WWW-Authenticate"); (challenge == "Bearer") != (c.code == 401) {
				t.Errorf("WWW-Authenticate: %q", challenge)
			}
		})
	}
}

// The answer names spans that cannot be taken. The others are taken.
func TestHTTPInvalidSpans(t *testing.T) {
	r := open(t, free)
	to := (&target{}).drain(t, r)
	bad := []string{
		strings.Replace(jsonSpan(2, "short"), "0123456789abcdef0123456789abcdef", "0123", 1),
		strings.Replace(jsonSpan(3, "digits"), "0123456789abcdef0123456789abcdef", "no digits", 1),
		jsonSpan(0, "zero"),
		strings.Replace(jsonSpan(4, "end"), "1700000001000000000", "0", 1),
		strings.Replace(jsonSpan(5, "late"), "1700000001000000000", "17000000010000000000", 1),
		strings.Replace(jsonSpan(6, "utf"), `"utf"`, `"\ud800"`, 1),
		strings.Replace(jsonSpan(7, "type"), `"kind":1`, `"kind":{}`, 1),
	}
	got := responseOf(t, postJSON(t, r, jsonRequest(append(bad, jsonSpan(1, "good"))...))).PartialSuccess
	if got.GetRejectedSpans() != int64(len(bad)) || to.operations() != "good-start good-stop" {
		t.Errorf("%v; the target has %s", got, to.operations())
	}
	for _, want := range []string{
		`named "short": the trace id should have 16 bytes, not 2`, `traceId should be hexadecimal digits, not "no digits"`,
		"should not be missing or zero", "the end time is missing", "the year 2262", "should be UTF-8",
		"kind should be the number or the name of an OTLP enum", "span 0000000000000002 of trace 0123,",
	} {
		if !strings.Contains(got.GetErrorMessage(), want) {
			t.Errorf("%q is not in %s", want, got.GetErrorMessage())
		}
	}
	a := postJSON(t, r, jsonRequest(bad...))
	if status := statusOf(t, a); a.code != 400 || !strings.Contains(status.Message, "no span of the request") {
		t.Errorf("%d %v", a.code, status)
	}
}

func retryInfo(t testing.TB, s *spb.Status) *errdetails.RetryInfo {
	t.Helper()
	info := &errdetails.RetryInfo{}
	if len(s.Details) != 1 || s.Details[0].UnmarshalTo(info) != nil {
		t.Errorf("no RetryInfo: %v", s)
	}
	return info
}

// While a target is down, the client is asked to send again. If the relay has not read the
// spans by then, they are not written.
func TestHTTPTargetIsDown(t *testing.T) {
	r := open(t, free+"?osp_wait=200ms")
	a := postJSON(t, r, jsonRequest(jsonSpan(1, "lost")))
	if s := statusOf(t, a); a.code != 503 || a.header.Get("Retry-After") != "1" || retryInfo(t, s).RetryDelay.AsDuration() == 0 {
		t.Errorf("%d %v %v", a.code, a.header, s)
	}
	if got := r.Stats(); got.Waiting != 0 || got.Retried != 1 {
		t.Errorf("%+v", got)
	}
	to := (&target{}).drain(t, r)
	untilTaken(t, r, jsonRequest(jsonSpan(1, "sent again")))
	if got := to.different(); got != "sent again-start sent again-stop" {
		t.Errorf("the target has %s", got)
	}
}

// The answer names spans that a target refuses.
func TestHTTPTargetRefuses(t *testing.T) {
	r := open(t, free)
	to := &target{refuse: func(n osprofiler.Notification) error {
		if strings.HasPrefix(n.Name, "bad") {
			return errors.New("it is too large")
		}
		return nil
	}}
	to.drain(t, r)
	got := responseOf(t, postJSON(t, r, jsonRequest(jsonSpan(1, "good"), jsonSpan(2, "bad"), jsonSpan(3, "bad too")))).PartialSuccess
	if got.GetRejectedSpans() != 2 || !strings.Contains(got.GetErrorMessage(), `named "bad": it is too large; span 0000000000000003`) {
		t.Errorf("%v", got)
	}
}
