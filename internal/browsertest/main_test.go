package browsertest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/render/html"
)

var running struct {
	sync.Mutex

	*browser.Browser
}

func TestMain(m *testing.M) {
	code := m.Run()
	if running.Browser != nil {
		if err := running.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "the browser did not end well:", err)
		}
	}
	os.Exit(code)
}

// chromium returns the browser of all tests.
func chromium(t testing.TB) *browser.Browser {
	t.Helper()
	running.Lock()
	defer running.Unlock()
	if running.Browser == nil {
		b, err := browser.Start(context.Background(), testenv.Chromium(t))
		if err != nil {
			t.Fatal("starting Chromium: ", err)
		}
		running.Browser = b
	}
	return running.Browser
}

// A window is a page of a test. A problem in the page fails the test.
type window struct {
	*browser.Page

	t testing.TB
}

// show writes the page of a report and opens it.
func show(t testing.TB, r *reader.Report, view browser.View) *window {
	t.Helper()
	return openFile(t, writePage(t, r), view)
}

// writePage writes the page of a report into a file.
func writePage(t testing.TB, r *reader.Report) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "trace.html")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := html.Write(file, r); err != nil {
		t.Fatal(err)
	}
	return path
}

// openFile opens a page that we wrote and waits until the page is ready.
func openFile(t testing.TB, path string, view browser.View) *window {
	t.Helper()
	return openURL(t, (&url.URL{Scheme: "file", Path: path}).String(), view)
}

func openURL(t testing.TB, address string, view browser.View) *window {
	t.Helper()
	w := openBlank(t, view)
	w.must(w.Open(address))
	w.await(`document.documentElement.dataset.ready`)
	return w
}

// openBlank opens a window. When the test ends, its page must have no problem.
func openBlank(t testing.TB, view browser.View) *window {
	t.Helper()
	w := openForeign(t, view)
	t.Cleanup(func() {
		for _, problem := range w.Problems() {
			t.Errorf("the page: %s", problem)
		}
	})
	return w
}

// openForeign opens a window for a page that is not ours.
func openForeign(t testing.TB, view browser.View) *window {
	t.Helper()
	p, err := chromium(t).New(view)
	if err != nil {
		t.Fatal("opening a window: ", err)
	}
	t.Cleanup(p.Close)
	return &window{p, t}
}

func (w *window) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// await waits until an expression of JavaScript is true. If it does not become true,
// the message shows the problems of the page.
func (w *window) await(expression string) {
	w.t.Helper()
	if err := w.Await(expression); err != nil {
		w.t.Fatalf("%v\nproblems: %q", err, w.Problems())
	}
}

// eval evaluates an expression of JavaScript.
func eval[T any](w *window, expression string) T {
	w.t.Helper()
	v, err := browser.Eval[T](w.Page, expression)
	w.must(err)
	return v
}

// run evaluates statements of JavaScript.
func (w *window) run(statements string) {
	w.t.Helper()
	eval[bool](w, "(() => {"+statements+"; return true })()")
}
