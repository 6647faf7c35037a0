package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// check finds out whether the target of a sink accepts requests.
func TestCheckSink(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Token") != "geheim" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	results, details, r := checkedStore(t, "otlp+http://"+address+"?osp_header=x-token:geheim")
	if r.code != 0 || results["reach"] != "ok" || !strings.Contains(details["reach"], address) || results["read"] != "no" {
		t.Errorf("got %v, %v", results, r)
	}
	results, details, r = checkedStore(t, "otlp+http://"+address+"?osp_header=x-token:falsch")
	if r.code != 1 || results["reach"] != "failed" || !strings.Contains(details["reach"], "401 Unauthorized") || strings.Contains(r.stdout+r.stderr, "falsch") {
		t.Errorf("got %v, %v", details, r)
	}
	if r := osp(t, t.TempDir(), "check", "--write", "--connection-string", "otlp://"+address); r.code != 2 || !strings.Contains(r.stderr, "--write needs a store") {
		t.Errorf("got %v", r)
	}
	if r := osp(t, t.TempDir(), "check", "--connection-string", "otlp://"+address+"?x=y"); r.code == 0 || !strings.Contains(r.stderr, `unknown option "x"`) {
		t.Errorf("got %v", r)
	}
}
