package bridge_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A headerCase is a real pair of headers with the result of the Python library's middleware.
type headerCase struct {
	Name      string            `json:"name"`
	HMACKeys  string            `json:"hmac_keys"`
	Enabled   *bool             `json:"enabled"`
	Headers   map[string]string `json:"headers"`
	Exception string            `json:"exception"` // the exception that the Python library raises; ours never does
	Accepted  bool              `json:"accepted"`
	Profiler  struct {
		BaseID   any    `json:"base_id"`
		ParentID any    `json:"parent_id"`
		HMACKey  string `json:"hmac_key"`
	} `json:"profiler"`
}

// fresh reports whether the middleware makes a new base id for the case.
func (c *headerCase) fresh() bool { return c.Profiler.BaseID == "c0000000-0000-4000-8000-000000000001" }

func headerCases(t testing.TB) []headerCase {
	t.Helper()
	var golden struct{ Cases []headerCase }
	text, err := os.ReadFile(filepath.Join("..", "testdata", "trace-headers.json"))
	if err == nil {
		err = json.Unmarshal(text, &golden)
	}
	if err != nil || len(golden.Cases) == 0 {
		t.Fatal(err, len(golden.Cases))
	}
	return golden.Cases
}

// goService is a service with one handler, inside the middleware.
type goService struct {
	url   string
	store *store.Store
	flush func()
}

func newGoService(t testing.TB, keys *bridge.Keys) goService {
	t.Helper()
	s, _ := newFileStore(t)
	provider := providerOf(t, s, "go-api")
	profiler := bridge.NewProfiler(bridge.WithTracerProvider(provider), bridge.WithKeys(keys))
	mux := http.NewServeMux() // the middleware is inside a mount
	mux.Handle("/app/", http.StripPrefix("/app",
		bridge.NewHandler(answer(bridge.NewPropagator(keys)), bridge.WithProfiler(profiler), bridge.WithPropagator(bridge.NewPropagator(keys)))))
	return goService{newServer(t, mux).URL, s, func() { flush(t, provider) }}
}

const target = "/app/v1/x%20y?a=1&b=%20"

// Every case goes through the real middleware over HTTP.
func TestHeaderCases(t *testing.T) {
	for _, c := range headerCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			keys := bridge.NewKeys(c.HMACKeys)
			if c.Enabled != nil && !*c.Enabled {
				keys = nil
			}
			service := newGoService(t, keys)
			got := get(t, http.DefaultClient, service.url+target, c.Headers)
			service.flush()
			ids := traces(t, service.store)
			if !c.Accepted {
				if got.Traced || len(got.Sends) != 0 || len(ids) != 0 {
					t.Error(got, ids)
				}
				return
			}
			if !got.Traced || len(ids) != 1 {
				t.Fatal(got, ids)
			}
			checkRecorded(t, &c, ids[0], stored(t, service.store, ids[0]))
			checkSent(t, &c, got, ids[0], stored(t, service.store, ids[0])[0].TraceID)
		})
	}
}

// checkRecorded checks the two notifications of an accepted request.
func checkRecorded(t *testing.T, c *headerCase, baseID string, got []osprofiler.Notification) {
	t.Helper()
	base, parent := fmt.Sprint(c.Profiler.BaseID), fmt.Sprint(c.Profiler.ParentID)
	if c.fresh() {
		base, parent = baseID, baseID
	}
	if len(got) != 2 || got[0].Name != "wsgi-start" || got[1].Name != "wsgi-stop" {
		t.Fatal(got)
	}
	for _, n := range got {
		if n.BaseID != base || n.ParentID != parent || n.TraceID != got[0].TraceID {
			t.Errorf("want base %s and parent %s, got %s", base, parent, n.JSON())
		}
	}
	const want = osprofiler.Info(`{"request": {"path": "/app/v1/x%20y", "query": "a=1&b=%20", "method": "GET", "scheme": "http"}, "host": "go-host"}`)
	if !(osprofiler.Notification{Info: got[0].Info}).Equal(osprofiler.Notification{Info: want}) {
		t.Errorf("want %s\ngot  %s", want, got[0].Info)
	}
}

// checkSent checks the headers that an accepted request's handler would send.
func checkSent(t *testing.T, c *headerCase, got seen, baseID, id string) {
	t.Helper()
	info, mac := osprofiler.TraceInfo{BaseID: baseID, ParentID: id}.Pack(c.Profiler.HMACKey)
	if got.Sends[osprofiler.HeaderTraceInfo] != info || got.Sends[osprofiler.HeaderTraceHMAC] != mac {
		t.Errorf("want %s of %s and %s with key %q, got %v", info, baseID, id, c.Profiler.HMACKey, got.Sends)
	}
}

// Our middleware accepts the same headers as the Python library's middleware. Each of the two
// accepts the headers that the other one signs.
func TestHeaderCasesInBothLanguages(t *testing.T) {
	python := pythonService(t, "python-api", filepath.Join(t.TempDir(), "lines"))
	for _, c := range headerCases(t) {
		if c.Exception != "" || c.Enabled != nil {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			theirs := at(python, "/x", "keys", c.HMACKeys)
			direct := get(t, http.DefaultClient, theirs, c.Headers)
			if direct.Traced != c.Accepted {
				t.Fatal("the Python library answers otherwise than before:", direct)
			}
			if !c.Accepted {
				return
			}
			ours := newGoService(t, bridge.NewKeys(c.HMACKeys))
			first := get(t, http.DefaultClient, ours.url+target, c.Headers)
			second := get(t, http.DefaultClient, theirs, first.Sends)
			third := get(t, http.DefaultClient, ours.url+target, second.Sends)
			ours.flush()
			base := traces(t, ours.store)[0]
			got := stored(t, ours.store, base)
			if len(got) != 4 || !third.Traced || len(traces(t, ours.store)) != 1 {
				t.Fatal(third, got)
			}
			if second.BaseID != base || second.ParentID != got[0].TraceID {
				t.Errorf("we sent base %s and parent %s, the Python library took %v and %v", base, got[0].TraceID, second.BaseID, second.ParentID)
			}
			if got[2].BaseID != base || got[2].ParentID != second.ID {
				t.Errorf("the Python library sent base %v and parent %s, we took %s and %s", second.BaseID, second.ID, got[2].BaseID, got[2].ParentID)
			}
			if !c.fresh() && (fmt.Sprint(direct.BaseID) != base || fmt.Sprint(direct.ParentID) != got[0].ParentID) {
				t.Errorf("the Python library recorded %v and %v, we %s and %s", direct.BaseID, direct.ParentID, base, got[0].ParentID)
			}
		})
	}
}
