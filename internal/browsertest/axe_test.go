package browsertest

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A violation is a finding of axe-core.
type violation struct {
	ID, Impact, Help string
	Nodes            []string
}

const runAxe = `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.map((v) => ({
	ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.slice(0, 3).map((n) => n.target.join(" ") + ": " + n.failureSummary),
})))`

// axe-core finds nothing serious or critical in any view, at any width and in both
// colour schemes.
func TestAccessibility(t *testing.T) {
	script, err := os.ReadFile(testenv.Axe(t))
	if err != nil {
		t.Fatal(err)
	}
	failed := parse(t, "../../reader/testdata/openstack/06-client-bad-password.report.json")
	pages := []string{writePage(t, volume(t)), writePage(t, failed)}
	for _, view := range []browser.View{{Width: 1280, Height: 800}, {Width: 400, Height: 800, Touch: true}} {
		for _, view.Scheme = range []string{"light", "dark"} {
			for _, s := range scenes {
				t.Run(fmt.Sprintf("%s-%d-%s", s.name, view.Width, view.Scheme), func(t *testing.T) {
					for i, page := range pages {
						if i > 0 && s.name != "tree" && s.name != "details" {
							continue // these are alike
						}
						w := openFile(t, page, view)
						w.show(s)
						w.run(string(script))
						for _, v := range eval[[]violation](w, runAxe) {
							report := t.Logf
							if v.Impact == "serious" || v.Impact == "critical" {
								report = t.Errorf
							}
							report("%s (%s): %s\n%s", v.ID, v.Impact, v.Help, strings.Join(v.Nodes, "\n"))
						}
					}
				})
			}
		}
	}
}

// The elements of the page have the roles and names that a screen reader needs.
func TestScreenReader(t *testing.T) {
	w := show(t, volume(t), browser.View{})
	w.selectOp(1)
	for expression, want := range map[string]string{
		`document.querySelector("#tree").role`:                                                      "treegrid",
		`document.querySelector('.row[data-op="1"]').role`:                                          "row",
		`document.querySelector('.row[data-op="1"]').ariaSelected`:                                  "true",
		`document.querySelector('.row[data-op="1"] .cell-time').ariaLabel.startsWith("from ") + ""`: "true",
		`document.querySelector('.row[data-op="1"] .mark-critical').textContent || document.querySelector('.row[data-op="1"] .mark-critical').ariaLabel`: "on the critical path",
		`document.documentElement.lang`:               "en",
		`document.querySelectorAll("h1").length+""`:   "1",
		`document.querySelectorAll("main").length+""`: "1",
	} {
		if got := eval[string](w, expression); got != want {
			t.Errorf("%s is %q, want %q", expression, got, want)
		}
	}
}
