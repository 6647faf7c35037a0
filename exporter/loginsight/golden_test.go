package loginsight_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/loginsight"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
	"github.com/osprofiler-otel/osprofiler/reader/python"
)

// The files in testdata have the requests of the Python library's driver, with
// osprofiler 3.4.3, and the answers of a simple server.

// A captured is a request of Python's driver.
type captured struct {
	TLS     bool              `json:"tls"`
	Port    int               `json:"port"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Status  int               `json:"response_status"`
}

func captures(t *testing.T, name string) (all []captured) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var c captured
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	if lines.Err() != nil || len(all) == 0 {
		t.Fatalf("%s: %d requests, %v", name, len(all), lines.Err())
	}
	return all
}

// sameRequests compares requests with those of Python's driver. A GET of Python's
// driver has the body "{}", and ours none.
func sameRequests(t *testing.T, got []loginsightserver.Request, want []captured) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d requests, want %d: %+v", len(got), len(want), got)
	}
	for i, w := range want {
		g := got[i]
		if w.Method == http.MethodGet && w.Body == "{}" {
			w.Body = ""
		}
		path := strings.TrimSuffix(g.Path+"?"+g.Query, "?")
		if g.Secure != w.TLS || !strings.HasSuffix(g.Host, ":"+strconv.Itoa(w.Port)) || g.Method != w.Method || path != w.Path || g.Body != w.Body {
			t.Errorf("request %d is\n%s %s on %s, TLS: %v\n%s\nwant\n%s %s on %d, TLS: %v\n%s", i, g.Method, path, g.Host, g.Secure, g.Body, w.Method, w.Path, w.Port, w.TLS, w.Body)
		}
		_, inSession := w.Headers["x-li-session-id"]
		if g.Header.Get("Content-Type") != w.Headers["content-type"] || (g.Header.Get("X-LI-Session-Id") != "") != inSession {
			t.Errorf("request %d has the headers %v, want %v", i, g.Header, w.Headers)
		}
	}
}

// sample returns the notifications that Python's driver sent.
func sample(t *testing.T) (batch []osprofiler.Notification) {
	t.Helper()
	for _, c := range captures(t, "login_and_notify.jsonl")[1:] {
		var body struct {
			Events []struct {
				Fields []loginsight.Field `json:"fields"`
			} `json:"events"`
		}
		if err := json.Unmarshal([]byte(c.Body), &body); err != nil {
			t.Fatal(err)
		}
		fields := body.Events[0].Fields
		n, err := osprofiler.ParseNotification(fields[len(fields)-1].Content)
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, n)
	}
	return batch
}

const sampleID = "a0000000-0000-4000-8000-000000000001"

// pythonURL returns the connection string with which our driver uses the same ports
// as Python's, and the same security.
func pythonURL(server *loginsightserver.Server) string {
	return server.PythonURL() + "?osp_python_transport=yes"
}

// Our requests equal the requests of Python's driver, byte for byte.
func TestGoldenNotify(t *testing.T) {
	want := captures(t, "login_and_notify.jsonl")
	for name, made := range map[string]func(n osprofiler.Notification) osprofiler.Notification{
		"as they came": func(n osprofiler.Notification) osprofiler.Notification { return n },
		"made anew": func(n osprofiler.Notification) osprofiler.Notification {
			return osprofiler.Notification{
				Name: n.Name, BaseID: n.BaseID, TraceID: n.TraceID, ParentID: n.ParentID, Timestamp: n.Timestamp,
				Info: n.Info, Project: n.Project, Service: n.Service,
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := loginsightserver.New(t)
			s := open(t, pythonURL(server), loginsight.WithReadOnly())
			if err := s.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			s = open(t, pythonURL(server))
			for _, n := range sample(t) {
				if err := s.Write(t.Context(), []osprofiler.Notification{made(n)}); err != nil {
					t.Fatal(err)
				}
			}
			sameRequests(t, server.Requests(), want)
		})
	}
}

func TestGoldenReport(t *testing.T) {
	server := loginsightserver.New(t)
	if err := open(t, server.URL()).Write(t.Context(), sample(t)); err != nil {
		t.Fatal(err)
	}
	server.Requests()
	s := open(t, server.URL())
	text, err := os.ReadFile("testdata/show_a.json")
	if err != nil {
		t.Fatal(err)
	}
	report, err := python.New(s).Report(t.Context(), sampleID)
	if err != nil {
		t.Fatal(err)
	}
	got, err := report.MarshalJSON()
	if err != nil || !sameJSON(t, got, text) {
		t.Errorf("the report is %v\n%s\nwant\n%s", err, got, text)
	}
	sameRequests(t, server.Requests(), captures(t, "get_report.jsonl"))
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

// An expired session is renewed as Python's driver does it: the driver asks the server
// about the session, and then logs in.
func TestGoldenRenewal(t *testing.T) {
	server := loginsightserver.New(t)
	s := open(t, server.URL())
	if err := s.Write(t.Context(), sample(t)); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	login := server.Requests()[1:2]
	server.ExpireSessions()
	if got := read(t, s, sampleID); len(got) != 8 {
		t.Errorf("%d notifications, want 8", len(got))
	}
	sameRequests(t, append(login, server.Requests()...), captures(t, "session_renewal.jsonl"))
}
