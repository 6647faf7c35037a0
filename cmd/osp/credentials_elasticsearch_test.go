package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

const (
	goodIndex    = "osprofiler-notifications"
	foreignIndex = "osprofiler-foreign" // of another program
	strictIndex  = "osprofiler-strict"  // of another program; it permits no new fields
)

// searchDo sends a request as the user with all rights.
func searchDo(t *testing.T, at, method, path, body string) {
	t.Helper()
	if status, answer := testenv.SearchRequest(t, at, method, path, body); status/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
}

// startOpenSearch starts a server with more accounts, and with foreign indices beside the
// index with the good trace.
func startOpenSearch(t *testing.T) *testenv.Server {
	t.Helper()
	server := testenv.StartOpenSearch(t)
	at := server.Search()
	const api = "/_plugins/_security/api/"
	searchDo(t, at, http.MethodPut, api+"roles/appender", `{"cluster_permissions": ["cluster_composite_ops"], "index_permissions": [
		{"index_patterns": ["osprofiler-*"], "allowed_actions": ["write", "indices:admin/mapping*", "indices:admin/get"]}]}`)
	searchDo(t, at, http.MethodPut, api+"rolesmapping/appender", `{"users": ["appender"]}`)
	for user, account := range map[string][2]string{"special": {secret("1"), "admin"}, "appender": {secret("2"), ""}} {
		searchDo(t, at, http.MethodPut, api+"internalusers/"+user, fmt.Sprintf(`{"password": %q, "backend_roles": [%q]}`, account[0], account[1]))
	}
	fill(t, visible(at))
	searchDo(t, at, http.MethodPut, "/"+foreignIndex, `{"mappings": {"properties": {"message": {"type": "text"}, "timestamp": {"type": "date"}}}}`)
	searchDo(t, at, http.MethodPost, "/"+foreignIndex+"/_doc?refresh=true", `{"message": "GET / 200", "timestamp": "2024-05-06T07:08:09Z"}`)
	fill(t, visible(at)+"&index_name="+foreignIndex)
	searchDo(t, at, http.MethodPut, "/"+strictIndex, `{"mappings": {"dynamic": "strict", "properties": {"message": {"type": "text"}}}}`)
	fill(t, visible(at)+"&index_name="+strictIndex)
	return server
}

// visible returns a connection string with which written documents are visible at once.
func visible(at string) string {
	if strings.Contains(at, "?") {
		return at + "&osp_refresh=true"
	}
	return at + "?osp_refresh=true"
}

// bareHost returns a connection string of another scheme and without options.
func bareHost(scheme, at string) string {
	u, err := url.Parse(at)
	if err != nil {
		panic(err)
	}
	u.Scheme, u.RawQuery = scheme, ""
	return u.String()
}

func elasticsearchTroubles(t *testing.T) ([]trouble, victim) {
	server := startOpenSearch(t)
	at := visible(server.Search())
	user := func(name, password string) string { return testenv.AsUser(at, name, password) }
	other := testenv.NewCertificates(t, "").Authority
	certain := func(scheme, ca string) string {
		return as(scheme, testenv.User, testenv.Password, server.Addr(), "?ca_certs="+url.QueryEscape(ca))
	}
	plain := testenv.OpenSearch3(t)
	website := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Welcome</html>") }))
	t.Cleanup(website.Close)
	site := strings.TrimPrefix(website.URL, "http://")
	pw, closed := secret("wrong"), testenv.ClosedPort(t)
	const refused, rights = "refuses the user, the password or the API key of the connection string", "does not give the user of the connection string the rights"
	troubles := []trouble{
		{name: "special characters", at: user("special", secret("1")), reads: true, writes: true},
		{name: "wrong password", at: user(testenv.User, pw), error: refused},
		{name: "unknown user", at: user("nobody", pw), error: refused},
		{name: "no credentials", at: user("", ""), error: refused},
		{name: "no right to read", at: user("appender", secret("2")), error: rights, writes: true},
		{name: "no right to write", at: user(testenv.Reader, testenv.Password), error: rights, reads: true, writeTo: "b7c1d2e3-f405-4617-8829-3a4b5c6d7e8f"},
		{name: "no rights", at: user(testenv.NoRole, testenv.Password), error: rights},
		{name: "unknown authority", at: certain("opensearch+https", other), error: "ca_certs names the file with the authority to trust"},
		{name: "no TLS where the server has it", at: as("opensearch", testenv.User, pw, server.Addr(), ""), error: "opensearch+https://"},
		{name: "TLS where the server has none", at: testenv.AsUser(bareHost("opensearch+https", plain), "u", pw), error: "does not speak TLS"},
		{name: "unknown host", at: as("elasticsearch", "u", pw, "no-such-host.invalid", ""), error: "cannot connect to Elasticsearch at no-such-host.invalid:9200"},
		{name: "refused port", at: as("elasticsearch", "u", pw, closed, ""), error: "cannot connect to Elasticsearch at " + closed},
		{name: "a web site", at: as("elasticsearch", "u", pw, site, ""), error: "does not answer as Elasticsearch or OpenSearch does"},
		{name: "foreign documents among ours", at: at + "&index_name=" + foreignIndex, reads: true, writes: true},
		{name: "an index that takes no new fields", at: at + "&index_name=" + strictIndex, reads: true, writes: true},
		{name: "nothing", at: at, reads: true, writes: true},
	}
	troubles = append(troubles, xpackTroubles(t)...)
	return troubles, victim{server: server, at: func(_ *testing.T, addr string) string {
		return visible(server.SearchAt(addr)) + "&index_name=osprofiler-victim"
	}}
}

// xpackTroubles returns the troubles with the security of Elasticsearch itself.
func xpackTroubles(t *testing.T) []trouble {
	t.Helper()
	server := testenv.StartSecuredElasticsearch(t)
	at := visible(server.Search())
	fill(t, at)
	const refused, rights = "refuses the user, the password or the API key of the connection string", "does not give the user of the connection string the rights"
	key := func(value string) string {
		return testenv.AsUser(at, "", "") + "&osp_api_key=" + url.QueryEscape(value)
	}
	return []trouble{
		{name: "X-Pack: wrong password", at: testenv.AsUser(at, testenv.User, secret("wrong")), error: refused},
		{name: "X-Pack: wrong API key", at: key("VuaCfGcBCdbkQm-e5aOx:" + password + "aaaaaaaaa" + password2), error: refused},
		{name: "X-Pack: no right to write", at: testenv.AsUser(at, testenv.Reader, testenv.Password), error: rights, reads: true},
		{name: "X-Pack: no rights", at: testenv.AsUser(at, testenv.NoRole, testenv.Password), error: rights},
	}
}
