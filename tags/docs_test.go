package tags_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/tags"
)

// The tables in the user documentation name every attribute that is emitted.
func TestDocsNameEveryAttribute(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "docs", "conventions.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, test := range startTable {
		attrs, _ := tags.StartAttributes(nil, test.call, osprofiler.Info(test.info), tags.Both)
		for key := range asMap(t, attrs) {
			seen[key] = true
		}
	}
	for call, info := range map[tags.Call]osprofiler.Info{
		tags.HTTPClient: `{"requests": {"status_code": 204}}`,
		tags.DB:         `{"db": {"result": "r", "original_exception": "o", "chained_exception": "c"}}`,
		tags.RPC:        `{"function": {"result": "6"}}`,
	} {
		attrs, _ := tags.StopAttributes(nil, call, info, tags.Both)
		for _, kv := range append(attrs, tags.Failure{Type: "E"}.Attributes(tags.Both)...) {
			seen[string(kv.Key)] = true
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d attributes were seen", len(seen))
	}
	for key := range seen {
		if !strings.Contains(string(docs), "`"+key+"`") {
			t.Errorf("docs/conventions.md does not name `%s`", key)
		}
	}
}
