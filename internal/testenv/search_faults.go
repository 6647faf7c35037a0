package testenv

import (
	"fmt"
	"net/http"
	"testing"
)

// FloodStage sets the block that a server sets itself on the indices of a node
// whose disk is nearly full: writes fail with status 429, but indices can be
// deleted. end removes the block.
func FloodStage(t testing.TB, connectionString, index string) (end func()) {
	t.Helper()
	return blocked(t, connectionString, index, "read_only_allow_delete")
}

// ReadOnly sets the block that an administrator sets: writes fail with status 403.
// end removes the block.
func ReadOnly(t testing.TB, connectionString, index string) (end func()) {
	t.Helper()
	return blocked(t, connectionString, index, "read_only")
}

func blocked(t testing.TB, connectionString, index, block string) (end func()) {
	t.Helper()
	set := func(value string) {
		mustSearch(t, connectionString, http.MethodPut, "/"+index+"/_settings", fmt.Sprintf(`{"index.blocks.%s": %s}`, block, value))
	}
	set("true")
	return func() { set("null") }
}

// TripBreaker makes the circuit breaker of all nodes refuse every request that has a
// body, with status 429, as if requests filled the memory. Other tests must not use
// the server. end lets requests pass again.
func TripBreaker(t testing.TB, connectionString string) (end func()) {
	t.Helper()
	set := func(limit string) {
		mustSearch(t, connectionString, http.MethodPut, "/_cluster/settings", `{"transient": {"network.breaker.inflight_requests.limit": `+limit+`}}`)
	}
	set(`"1b"`)
	return func() { set("null") }
}

// mustSearch is SearchRequest for a request that must succeed.
func mustSearch(t testing.TB, connectionString, method, path, body string) (answer string) {
	t.Helper()
	status, answer := SearchRequest(t, connectionString, method, path, body)
	if status/100 != 2 {
		t.Fatalf("%s %s: status %d: %s", method, path, status, answer)
	}
	return answer
}

// DiskThreshold returns the settings with which a server sets the block of [FloodStage]
// itself while less than free ("8mb") is free on its disk. The server checks its disk
// every ten seconds. Other servers of tests do not check their disk.
func DiskThreshold(free string) (settings []string) {
	settings = []string{"cluster.routing.allocation.disk.threshold_enabled=true", "cluster.info.update.interval=10s"}
	for _, watermark := range []string{"low", "high", "flood_stage"} {
		settings = append(settings, "cluster.routing.allocation.disk.watermark."+watermark+"="+free)
	}
	return settings
}
