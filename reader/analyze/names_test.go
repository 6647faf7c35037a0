package analyze_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/reader/analyze"
)

// callsOf returns the calls of a trace, sorted.
func callsOf(a *analyze.Analysis) (all []string) {
	for _, o := range a.Operations {
		all = append(all, o.What)
	}
	slices.Sort(all)
	return all
}

// Names of objects are left out if one operation requests at least three objects.
func TestNamesInPaths(t *testing.T) {
	for name, c := range map[string]struct {
		lines string
		want  []string
	}{
		"three": {
			"a 0 9\n  x 1 2 path=/v2.1/servers/web-1\n  x 2 3 path=/v2.1/servers/web-2\n  x 3 4 path=/v2.1/servers/db\nx 9 10 path=/v2.1/servers/other",
			[]string{"", "GET /v2.1/servers/{name}"},
		},
		"two":             {"a 0 9\n  x 1 2 path=/servers/web-1\n  x 2 3 path=/servers/web-2", []string{"", "GET /servers/web-1", "GET /servers/web-2"}},
		"different words": {"a 0 9\n  x 1 2 path=/v3/users\n  x 2 3 path=/v3/groups\n  x 3 4 path=/v3/roles", []string{"", "GET /v3/groups", "GET /v3/roles", "GET /v3/users"}},
		"no collection":   {"a 0 9\n  x 1 2 path=/status/a\n  x 2 3 path=/status/b\n  x 3 4 path=/status/c", []string{"", "GET /status/a", "GET /status/b", "GET /status/c"}},
		"known words": {
			"a 0 9\n  x 1 2 path=/servers/detail\n  x 2 3 path=/servers/web-1\n  x 3 4 path=/servers/web-2",
			[]string{"", "GET /servers/detail", "GET /servers/web-1", "GET /servers/web-2"},
		},
		"different parents": {
			"a 0 9\n  x 1 2 path=/servers/a\n  x 2 3 path=/servers/b\nb 9 19\n  x 11 12 path=/servers/c",
			[]string{"", "", "GET /servers/a", "GET /servers/b", "GET /servers/c"},
		},
		"ids": {
			"a 0 9\n  x 1 2 path=/servers/1\n  x 2 3 path=/servers/2\n  x 3 4 path=/servers/b\n  x 4 5 path=/servers/c",
			[]string{"", "GET /servers/b", "GET /servers/c", "GET /servers/{id}"},
		},
		"two places": {
			"a 0 9\n  x 1 2 path=/stacks/s/resources/a\n  x 2 3 path=/stacks/s/resources/b\n  x 3 4 path=/stacks/s/resources/c",
			[]string{"", "GET /stacks/s/resources/{name}"},
		},
		"client": {
			"a 0 9\n  x 1 2 url=servers/keypairs/a\n  x 2 3 url=servers/keypairs/b\n  x 3 4 url=servers/keypairs/c",
			[]string{"", "GET http://servers:8774/keypairs/{name}"},
		},
		"hosts": {
			"a 0 9\n  x 1 2 url=servers/a\n  x 2 3 url=servers/b\n  x 3 4 url=servers/c",
			[]string{"", "GET http://servers:8774/a", "GET http://servers:8774/b", "GET http://servers:8774/c"},
		},
		"queries": {
			"a 0 9\n  x 1 2 path=/keypairs/a?x=1\n  x 2 3 path=/keypairs/b?x=2\n  x 3 4 path=/keypairs/c?x=3",
			[]string{"", "GET /keypairs/{name}?x=…"},
		},
	} {
		a := analyze.Trace(report(t, c.lines))
		if got := callsOf(a); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		count := 0
		for _, o := range a.Operations {
			count += o.Count
		}
		if count != a.Count {
			t.Errorf("%s: the calls have %d operations, want %d", name, count, a.Count)
		}
	}
}

// Requests for objects with names are repeated calls.
func TestRepeatedNames(t *testing.T) {
	a := analyze.Trace(report(t, "a 0 9\n  x 1 2 path=/servers/web-1\n  x 2 3 path=/servers/web-2\n  x 3 4 path=/servers/web-3"))
	if len(a.Repeated) != 1 || a.Repeated[0].Count != 3 || a.Repeated[0].What != "GET /servers/{name}" {
		t.Errorf("%+v", a.Repeated)
	}
}

// Two requests are compared if each of them is the only one of its kind that the other trace
// does not have. The comparison of B and A is the mirror image of that of A and B.
func TestDiffOfNames(t *testing.T) {
	for name, c := range map[string]struct{ a, b, want string }{
		"one":   {"x 0 10 path=/servers/web-1\n  y 1 2", "x 0 12 path=/servers/web-2\n  y 1 2", "slower GET /servers/{web-1|web-2}"},
		"order": {"x 0 10 path=/servers/web-2", "x 0 12 path=/servers/web-1", "slower GET /servers/{web-1|web-2}"},
		"with others": {
			"x 0 1 path=/servers/a\nx 1 2 path=/servers/a/tags\nx 2 3 path=/servers/same", "x 0 1 path=/servers/b\nx 1 3 path=/servers/b/tags\nx 3 5 path=/servers/same",
			"slower GET /servers/same; slower GET /servers/{a|b}/tags",
		},
		"two":        {"x 0 1 path=/servers/a", "x 0 1 path=/servers/a\nx 1 2 path=/servers/b", "came GET /servers/b"},
		"three":      {"x 0 1 path=/servers/a", "x 0 1 path=/servers/b\nx 1 2 path=/servers/c", "came GET /servers/b; came GET /servers/c; went GET /servers/a"},
		"id":         {"x 0 1 path=/servers/a", "x 0 1 path=/servers/7", "came GET /servers/{id}; went GET /servers/a"},
		"collection": {"x 0 1 path=/v3/users", "x 0 1 path=/v3/groups", "came GET /v3/groups; went GET /v3/users"},
		"many": {
			"p 0 9\n  x 1 2 path=/servers/a\n  x 2 3 path=/servers/b\n  x 3 4 path=/servers/c", "p 0 9\n  x 1 2 path=/servers/d\n  x 2 3 path=/servers/e",
			"faster GET /servers/{name}; slower p",
		},
	} {
		a, b := report(t, c.a), report(t, c.b)
		var got, mirror []string
		for _, change := range analyze.Diff(a, b).Changes {
			got = append(got, string(change.Change)+" "+cmp.Or(change.What, change.Name))
		}
		for _, change := range analyze.Diff(b, a).Changes {
			mirror = append(mirror, cmp.Or(change.What, change.Name))
		}
		for i := range min(len(got), len(mirror)) {
			if !strings.HasSuffix(got[i], " "+mirror[i]) {
				t.Errorf("%s: the mirror is %q of %q", name, mirror, got)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, strings.Split(c.want, "; ")) || len(mirror) != len(got) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
