package testenv

import (
	"net/http"
	"strings"
	"testing"
)

// Each server has the expected version, and the indices of a test are deleted after the
// test.
func TestSearchServers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, major string
		fresh       func(t testing.TB) string
	}{
		{"Elasticsearch7", "7.", Elasticsearch7},
		{"Elasticsearch", "8.", Elasticsearch},
		{"Elasticsearch9", "9.", Elasticsearch9},
		{"OpenSearch", "2.", OpenSearch},
		{"OpenSearch3", "3.", OpenSearch3},
	} {
		t.Run(c.name, func(t *testing.T) {
			var url, index string
			t.Run("test", func(t *testing.T) {
				url = c.fresh(t)
				_, index, _ = strings.Cut(url, "index_name=")
				index, _, _ = strings.Cut(index, "&")
				for _, suffix := range []string{"", "-error"} {
					if status, answer := SearchRequest(t, url, http.MethodPost, "/"+index+suffix+"/_doc", `{"a": 1}`); status != http.StatusCreated {
						t.Fatalf("%d: %s", status, answer)
					}
				}
				template := `{"index_patterns": ["` + index + `-late"], "template": {}}`
				if status, answer := SearchRequest(t, url, http.MethodPut, "/_index_template/"+index, template); status != http.StatusOK {
					t.Fatalf("%d: %s", status, answer)
				}
			})
			if url == "" {
				t.Skip("the server is missing")
			}
			if version, err := searchVersion(url); !strings.HasPrefix(version, c.major) || err != nil {
				t.Error(version, err)
			}
			for _, path := range []string{"/" + index, "/" + index + "-error", "/_index_template/" + index} {
				if status, answer := SearchRequest(t, url, http.MethodGet, path, ""); status != http.StatusNotFound {
					t.Errorf("%s: %d: %s", path, status, answer)
				}
			}
		})
	}
}
