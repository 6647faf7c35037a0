package elasticsearch_test

import (
	"errors"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// statements returns the requests of docs/stores/elasticsearch.md whose paths have
// a prefix, by their paths.
func statements(t *testing.T, prefix string) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/stores/elasticsearch.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^PUT (\S+)\n((?:[{ ].*\n)+)`).FindAllStringSubmatch(string(page), -1) {
		if strings.HasPrefix(match[1], prefix) {
			all[match[1]] = match[2]
		}
	}
	return all
}

// A plugin is a way to make roles and users.
type plugin struct {
	roles, users, user string // user has NAME and PASSWORD
	start              func(testing.TB, ...string) *testenv.Server
}

var plugins = map[string]plugin{
	"X-Pack": {
		roles: "/_security/role/", users: "/_security/user/", user: `{"password": "PASSWORD", "roles": ["NAME"]}`,
		start: testenv.StartSecuredElasticsearch,
	},
	"OpenSearch": {
		roles: "/_plugins/_security/api/roles/", users: "/_plugins/_security/api/internalusers/", user: `{"password": "PASSWORD", "opendistro_security_roles": ["NAME"]}`,
		start: testenv.StartOpenSearch,
	},
}

// The roles of the page allow the operations that they are meant for, and no others.
func TestRolesOfPage(t *testing.T) {
	t.Parallel()
	for name, p := range plugins {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := p.start(t)
			admin := newBare(t, server.Search())
			stores := map[string]*store.Store{}
			const password = "Loopback-only-4711-geheim"
			roles := statements(t, p.roles)
			if len(roles) != 3 {
				t.Fatalf("the page has %d roles, want 3", len(roles))
			}
			for path, role := range roles {
				admin.do(http.MethodPut, path, role)
				user := strings.TrimPrefix(path, p.roles)
				admin.do(http.MethodPut, p.users+user, strings.NewReplacer("NAME", user, "PASSWORD", password).Replace(p.user))
				connectionString := testenv.AsUser(server.Search(), user, password) + "&filter_error_trace=yes"
				if user != "osprofiler_writer" { // as osp opens them
					connectionString += "&osp_read_only=" + map[bool]string{true: "yes", false: "no"}[user == "osprofiler_reader"]
				}
				stores[user] = open(t, connectionString)
			}
			checkRoles(t, admin, stores["osprofiler_writer"], stores["osprofiler_reader"], stores["osprofiler_cleaner"])
		})
	}
}

func checkRoles(t *testing.T, admin bare, writer, reader, cleaner *store.Store) {
	t.Helper()
	if err := writer.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := note("a-stop", `{"etype": "E", "host": "h"}`)
	if err := writeAgain(t, writer, []osprofiler.Notification{n, note("b-stop", `{"etype.refused": 1}`)}); err != nil {
		t.Error(err)
	}
	admin.do(http.MethodPost, "/osprofiler-notifications*/_refresh", "")
	if err := reader.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	for _, s := range []*store.Store{reader, cleaner} {
		if all := read(t, s, n.BaseID); len(all) != 1 || !all[0].Equal(n) {
			t.Errorf("read %v", all)
		}
		count := 0
		for _, err := range s.Traces(t.Context(), store.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			count++
		}
		if count != 2 {
			t.Errorf("listed %d traces", count)
		}
	}
	if fed := poll(t, feedOf(t, reader, "")); len(fed) != 2 {
		t.Errorf("fed %v", fed)
	}
	if _, err := cleaner.Delete(t.Context(), n.BaseID); err != nil {
		t.Error(err)
	}
	if _, err := writer.Delete(t.Context(), n.BaseID); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("the writer deletes: %v", err)
	}
}

// A template and an alias of the page work with all that the store does.
func TestTemplateOfPage(t *testing.T) {
	for name, start := range map[string]func(testing.TB, ...string) *testenv.Server{"Elasticsearch 8": testenv.StartElasticsearch, "OpenSearch 3": testenv.StartOpenSearch3} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			admin := newBare(t, server.Search())
			for _, prefix := range []string{"/_index_template/", "/osprofiler-notifications-0"} {
				for path, body := range statements(t, prefix) {
					admin.do(http.MethodPut, path, body)
				}
			}
			s := open(t, server.Search()+"?osp_refresh=true")
			var batch []osprofiler.Notification
			for i := range 4 {
				n := note("a-start", `{"host": "h"}`)
				n.BaseID = "0a1b2c3d-0000-4000-8000-00000000e001"
				batch = append(batch, n)
				if i == 2 {
					admin.do(http.MethodPost, "/osprofiler-notifications/_rollover", "")
				}
				if err := writeAgain(t, s, batch[i:]); err != nil {
					t.Fatal(err)
				}
			}
			if all := read(t, s, batch[0].BaseID); len(all) != 4 {
				t.Errorf("read %v", all)
			}
			if fed := poll(t, feedOf(t, s, "")); len(fed) != 4 {
				t.Errorf("fed %v", fed)
			}
			if count, err := s.Delete(t.Context(), batch[0].BaseID); err != nil || count != 4 {
				t.Errorf("deleted %d, %v", count, err)
			}
		})
	}
}
