package bridge_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/store"
)

const (
	currentKey, oldKey, foreignKey = "current", "old", "foreign"

	traceparent = "traceparent"
)

// A visitor is one request of a crowd.
type visitor struct {
	kind             string
	baseID, parentID string
	headers          map[string]string
	key              string // the key with which the service should sign; if empty, it should sign nothing
}

func signedBy(key string, info osprofiler.TraceInfo) map[string]string {
	text, mac := info.Pack(key)
	return map[string]string{osprofiler.HeaderTraceInfo: text, osprofiler.HeaderTraceHMAC: mac}
}

// visit returns the i-th request. The kinds alternate.
func visit(i int) visitor {
	base := osprofiler.NewID()
	if i%3 == 0 {
		base = strings.ToUpper(base)
	}
	info := osprofiler.TraceInfo{BaseID: base, ParentID: osprofiler.NewID()}
	w3c := fmt.Sprintf("00-%032x-%016x-01", i+1, i+1)
	of := func(kind, key string, headers map[string]string) visitor {
		return visitor{kind: kind, baseID: base, parentID: info.ParentID, headers: headers, key: key}
	}
	switch i % 8 {
	case 0:
		return of("signed", currentKey, signedBy(currentKey, info))
	case 1:
		return of("unsigned", "", nil)
	case 2:
		return of("wrongly signed", "", signedBy(foreignKey, info))
	case 3:
		return of("old key", oldKey, signedBy(oldKey, info))
	case 4:
		return of("traceparent alone", "", map[string]string{traceparent: w3c})
	case 5:
		v := of("signed, and another traceparent", currentKey, signedBy(currentKey, info))
		v.headers[traceparent] = w3c
		return v
	case 6:
		v := of("wrongly signed, and a traceparent", "", signedBy(foreignKey, info))
		v.headers[traceparent] = w3c
		return v
	default:
		v := of("another's signature", "", signedBy(currentKey, info))
		v.headers[osprofiler.HeaderTraceInfo], _ = osprofiler.TraceInfo{BaseID: base, ParentID: base}.Pack(currentKey)
		return v
	}
}

// A downstream records the headers that reach it.
type downstream struct {
	mu   sync.Mutex
	came map[string]http.Header // by path
}

func (d *downstream) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.came[r.URL.Path] = r.Header.Clone()
}

// A thousand concurrent requests reach a service that calls another one, while its keys are
// being rotated. All are served, exactly the signed ones are recorded, no trace mixes with
// another, and no unsigned request is passed on signed.
func TestCrowd(t *testing.T) {
	const n = 1000
	s, _ := newFileStore(t)
	keys := bridge.NewKeys(currentKey, oldKey)
	provider := providerOf(t, s, "front")
	profiler := bridge.NewProfiler(bridge.WithTracerProvider(provider), bridge.WithKeys(keys))
	below := &downstream{came: map[string]http.Header{}}
	back := newServer(t, below)
	client := &http.Client{Transport: bridge.NewTransport(nil, bridge.WithProfiler(profiler))}
	front := newServer(t, bridge.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := call(r.Context(), client, back.URL+r.URL.Path); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}), bridge.WithProfiler(profiler)))

	visitors := make([]visitor, n)
	for i := range visitors {
		visitors[i] = visit(i)
	}
	stop := rotate(keys)
	crowd(t, front.URL, visitors)
	stop()
	flush(t, provider)

	all := byTrace(t, s)
	recorded := 0
	for i, v := range visitors {
		path := fmt.Sprintf("/visit/%d", i)
		checkVisit(t, v, path, below.came[path], all[v.baseID])
		if v.key != "" {
			recorded++
		}
	}
	if got := len(all); got != recorded || recorded != 3*n/8 {
		t.Errorf("%d traces are recorded, %d visitors were signed", got, recorded)
	}
}

// byTrace reads the whole store.
func byTrace(t *testing.T, s *store.Store) map[string][]osprofiler.Notification {
	t.Helper()
	feed, err := s.Feed(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	all := map[string][]osprofiler.Notification{}
	for n, err := range feed.Poll(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all[n.BaseID] = append(all[n.BaseID], n)
	}
	return all
}

func call(ctx context.Context, client *http.Client, target string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return err
	}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// rotate replaces the keys repeatedly. Both keys are always among them.
func rotate(keys *bridge.Keys) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				keys.Replace(fmt.Sprint("new-", i), oldKey, currentKey)
			}
		}
	}()
	return func() { close(done); <-ended }
}

// crowd sends all requests at once, as far as the number of sockets allows.
func crowd(t *testing.T, front string, visitors []visitor) {
	t.Helper()
	room := make(chan struct{}, 200)
	var all sync.WaitGroup
	for i, v := range visitors {
		all.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s/visit/%d", front, i), http.NoBody)
			if err != nil {
				t.Error(err)
				return
			}
			for k, value := range v.headers {
				r.Header.Set(k, value)
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(v.kind, err)
				return
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				t.Error(v.kind, res.Status)
			}
		})
	}
	all.Wait()
}

// checkVisit checks the effects of one request: the headers that were passed on, and the
// store.
func checkVisit(t *testing.T, v visitor, path string, came http.Header, got []osprofiler.Notification) {
	t.Helper()
	if came == nil {
		t.Errorf("%s: %s never reached the next service", v.kind, path)
		return
	}
	info, mac := came.Get(osprofiler.HeaderTraceInfo), came.Get(osprofiler.HeaderTraceHMAC)
	if v.key == "" {
		if info != "" || mac != "" || len(got) != 0 {
			t.Errorf("%s: goes on with %s %s and leaves %v", v.kind, info, mac, got)
		}
		return
	}
	told, _, err := osprofiler.UnpackTraceInfo(info, mac, []string{v.key})
	if err != nil || told.BaseID != v.baseID {
		t.Errorf("%s: goes on with %+v, %v", v.kind, told, err)
	}
	ids := map[string]osprofiler.Notification{}
	for _, n := range got {
		ids[n.Name] = n
		if !strings.Contains(string(n.Info), path+`"`) && strings.HasSuffix(n.Name, "-start") {
			t.Errorf("%s: another's operation in the trace: %s", v.kind, n.JSON())
		}
	}
	if len(got) != 4 || len(ids) != 4 || ids["http-start"].ParentID != ids["wsgi-start"].TraceID ||
		ids["http-start"].TraceID != told.ParentID || ids["wsgi-start"].ParentID != v.parentID {
		t.Errorf("%s: %v", v.kind, got)
	}
}
