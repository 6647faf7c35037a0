package testenv

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// The accounts have the rights that the comment on Writer, Reader and NoRole names, in both
// products.
func TestSearchAccounts(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *Server{
		"OpenSearch": StartOpenSearch, "Elasticsearch": StartSecuredElasticsearch,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			as := func(user string) string { return AsUser(s.Search(), user, Password) }
			path := "/osp-test-a/_doc"
			wantSearch(t, as(Writer), http.MethodPost, path+"?refresh=true", searchDocument, 201, "created")
			wantSearch(t, as(Writer), http.MethodPut, "/_index_template/osp-test-a", `{"index_patterns": ["osp-test-b"], "template": {}}`, 200, "true")
			wantSearch(t, as(Writer), http.MethodPost, "/elsewhere/_doc", searchDocument, 403, "security_exception")
			wantSearch(t, as(Reader), http.MethodGet, "/osp-test-a/_search", "", 200, `"a": 1`)
			wantSearch(t, as(Reader), http.MethodPost, path, searchDocument, 403, "security_exception")
			wantSearch(t, as(NoRole), http.MethodGet, "/osp-test-a/_search", "", 403, "security_exception")
			wantSearch(t, AsUser(s.Search(), Writer, "wrong"), http.MethodGet, "/", "", 401, "")
			wantSearch(t, AsUser(s.Search(), "", ""), http.MethodGet, "/", "", 401, "")
			wantSearch(t, s.Search(), http.MethodDelete, "/osp-test-a", "", 200, "true")
			untrusted, err := newSearchClient(strings.Replace(s.Search(), s.Certificates(t).Authority, NewCertificates(t, "").Authority, 1))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err = untrusted.do(t.Context(), http.MethodGet, "/", ""); err == nil || !strings.Contains(err.Error(), "unknown authority") {
				t.Error("a foreign authority:", err)
			}
		})
	}
}

// Requests can create accounts and roles, and a client can log in with a certificate.
func TestOpenSearchRolesAndCertificates(t *testing.T) {
	t.Parallel()
	s := StartOpenSearch(t)
	role := `{"index_permissions": [{"index_patterns": ["mine"], "allowed_actions": ["read"]}]}`
	wantSearch(t, s.Search(), http.MethodPut, "/_plugins/_security/api/roles/own", role, 201, "CREATED")
	wantSearch(t, s.Search(), http.MethodPut, "/_plugins/_security/api/internalusers/own", `{"password": "a long passphrase 4711", "opendistro_security_roles": ["own"]}`, 201, "CREATED")
	own := AsUser(s.Search(), "own", "a long passphrase 4711")
	wantSearch(t, s.Search(), http.MethodPost, "/mine/_doc?refresh=true", searchDocument, 201, "created")
	wantSearch(t, own, http.MethodGet, "/mine/_search", "", 200, `"a": 1`)

	c := s.Certificates(t)
	pair, err := tls.LoadX509KeyPair(c.Client, c.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := newSearchClient(AsUser(s.Search(), "", ""))
	if err != nil {
		t.Fatal(err)
	}
	client.http.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{pair}
	_, answer, err := client.do(t.Context(), http.MethodGet, "/_plugins/_security/authinfo", "")
	if err != nil || !strings.Contains(answer, `"user_name":"writer"`) {
		t.Error(answer, err)
	}
}

func TestElasticsearchAPIKey(t *testing.T) {
	t.Parallel()
	s := StartSecuredElasticsearch(t)
	body := `{"name": "k", "role_descriptors": {"r": {"indices": [{"names": ["mine"], "privileges": ["create_index", "write"]}]}}}`
	status, answer := SearchRequest(t, s.Search(), http.MethodPost, "/_security/api_key", body)
	var key struct{ Encoded string }
	if err := json.Unmarshal([]byte(answer), &key); err != nil || status != http.StatusOK {
		t.Fatal(status, answer, err)
	}
	withKey := AsUser(s.Search(), "", "") + "&osp_api_key=" + key.Encoded
	wantSearch(t, withKey, http.MethodPost, "/mine/_doc", searchDocument, 201, "created")
	wantSearch(t, withKey, http.MethodPost, "/other/_doc", searchDocument, 403, "security_exception")
}
