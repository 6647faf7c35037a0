package browsertest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
)

func TestHostileTexts(t *testing.T) {
	r := build(t, notifications(hostileTrace(t)))
	var names []string
	for _, n := range r.Nodes() {
		names = append(names, n.Name)
	}
	for _, view := range []browser.View{{}, {Width: 400, Height: 800}} {
		w := show(t, r, view)
		title := eval[string](w, `document.title`)
		rows := w.rows()
		if len(rows) != len(hostileTexts) {
			t.Fatalf("%d rows, want %d", len(rows), len(hostileTexts))
		}
		for op, row := range rows {
			if plain := names[op]; isPlain(plain) && (row.Name != plain || row.Service != "" && row.Service != plain) {
				t.Errorf("row %d has the name %q and the service %q, want %q", op, row.Name, row.Service, plain)
			}
			if text := row.Name + row.Service; strings.ContainsAny(text, "\u202e\u2066\u2069\u200b\u2060\ufeff\n\r\t\x00") {
				t.Errorf("row %d has invisible characters: %q", op, text)
			}
			w.selectOp(op)
			if details := w.text("#details"); isPlain(names[op]) && strings.Count(details, names[op]) < 5 {
				t.Errorf("the details of operation %d do not show %q: %s", op, names[op], details)
			}
		}
		for _, tab := range []string{"flame", "services", "stats", "tree", "findings"} {
			w.click("#tab-" + tab)
			w.settle()
		}
		w.run(`dispatchEvent(new Event("beforeprint"))`)
		if got := eval[string](w, `document.title`); got != title || strings.Contains(got, "broken") && !strings.Contains(got, "document.title=") {
			t.Errorf("the title became %q", got)
		}
		const foreign = `document.querySelectorAll("img, iframe, object, embed, a[href^='javascript:'], b[onclick], [onerror]").length`
		if got := eval[int](w, foreign); got != 0 {
			t.Errorf("texts became %d elements", got)
		}
	}
}

// isPlain reports whether the page shows a text unchanged.
func isPlain(text string) bool {
	for _, r := range text {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return true
}

func TestLargeStatements(t *testing.T) {
	statement := "SELECT '" + strings.Repeat("lorem ipsum ", 1<<20/12) + "' FROM t"
	info, err := osprofiler.NewInfo(map[string]any{"host": "h", "db": map[string]any{"statement": statement}})
	if err != nil {
		t.Fatal(err)
	}
	w := show(t, build(t, notifications(func(yield func(operation) bool) {
		for i := range 20 {
			if !yield(operation{name: "db", service: "api", parent: -1, begin: time.Duration(i) * time.Second, end: time.Duration(i+1) * time.Second, start: info}) {
				return
			}
		}
	})), browser.View{})
	w.selectOp(7)
	shown := eval[string](w, `document.getElementById("details").textContent`)
	if !strings.Contains(shown, "lorem ipsum") || len(shown) > 2<<20 {
		t.Errorf("the details have %d characters of the statement of 1 MB", len(shown))
	}
	w.search("ipsum ' FROM t") // the end of the statement
	if got := eval[string](w, `document.getElementById("search-count").dataset.found`); got != "20" {
		t.Errorf("the search finds %s operations, want 20", got)
	}
}

// A page on a server sends no requests either, not even for an icon.
func TestServedPage(t *testing.T) {
	page, err := os.ReadFile(writePage(t, volume(t)))
	if err != nil {
		t.Fatal(err)
	}
	requests := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.URL.Path
		http.ServeContent(w, r, "trace.html", time.Time{}, bytes.NewReader(page))
	}))
	defer server.Close()
	w := openURL(t, server.URL+"/trace.html", browser.View{})
	checkRows(t, w, volume(t))
	w.settle()
	close(requests)
	var paths []string
	for path := range requests {
		paths = append(paths, path)
	}
	if len(paths) != 1 {
		t.Errorf("the browser asked for %q, want the page only", paths)
	}
}

// A page whose file is cut off shows an error.
func TestDamagedPage(t *testing.T) {
	page, err := os.ReadFile(writePage(t, volume(t)))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(page, []byte(`id="data"`)) + 200
	path := filepath.Join(t.TempDir(), "cut.html")
	damaged := append(bytes.Clone(page[:at]), page[at+100:]...)
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	w := openBlank(t, browser.View{})
	w.must(w.Open("file://" + path))
	w.await(`!document.getElementById("failure").hidden`)
	if text := eval[string](w, `document.getElementById("failure").textContent`); !strings.Contains(text, "cannot be read") {
		t.Errorf("the page says %q", text)
	}
}
