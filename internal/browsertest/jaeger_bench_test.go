//go:build jaegerui

package browsertest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"

	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// jaegerUIVariable names a folder with a built user interface of Jaeger. The programs of
// Jaeger that scripts/setup.sh builds have none.
const jaegerUIVariable = "OSP_TEST_JAEGER_UI"

// markFirstRow marks the time when the first row of a span is painted.
const markFirstRow = `requestAnimationFrame(function look() {
	if (!document.querySelector(".span-row")) return requestAnimationFrame(look);
	requestAnimationFrame(() => setTimeout(() => performance.mark("row-painted")));
})`

// BenchmarkJaegerUI opens the trace of BenchmarkPage in the user interface of Jaeger, to
// which it is sent by OTLP.
func BenchmarkJaegerUI(b *testing.B) {
	folder := os.Getenv(jaegerUIVariable)
	if folder == "" {
		b.Fatal("set " + jaegerUIVariable + " to the folder of a built user interface of Jaeger, with index.html")
	}
	server := testenv.StartJaeger(b, testenv.JaegerAllInOne176, "--query.static-files="+folder).Jaeger()
	forward(b, largeTrace(benchOperations), "otlp+grpc://"+server.OTLPGRPC)
	address := fmt.Sprintf("http://%s/trace/%s", server.Query, strings.ReplaceAll(baseID, "-", ""))
	var paint, frame, slow, memory []float64
	for b.Loop() {
		w := openForeign(b, browser.View{})
		w.must(browser.Call(w.Page, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: markFirstRow}))
		w.must(w.Open(address))
		w.await(`performance.getEntriesByName("row-painted").length > 0`)
		paint = append(paint, eval[float64](w, `performance.getEntriesByName("row-painted")[0].startTime`))
		times := eval[[]float64](w, frames+`(window, 700)`)
		slices.Sort(times)
		frame, slow = append(frame, times[len(times)/2]), append(slow, times[len(times)*95/100])
		memory = append(memory, w.megabytes())
		w.Close()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(paint), "ms-to-paint")
	b.ReportMetric(median(frame), "ms/frame")
	b.ReportMetric(median(slow), "ms/frame-p95")
	b.ReportMetric(median(memory), "MB-browser")
}

// forward sends the notifications of operations with the command osp.
func forward(b *testing.B, operations iter.Seq[operation], connectionString string) {
	b.Helper()
	dir := b.TempDir()
	file, err := os.Create(filepath.Join(dir, "trace.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	w := bufio.NewWriter(file)
	for n, err := range notifications(operations) {
		line, marshalErr := json.Marshal(n)
		if err := errors.Join(err, marshalErr); err != nil {
			b.Fatal(err)
		}
		_, _ = w.Write(append(line, '\n')) // Flush returns the error
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	osp := filepath.Join(dir, "osp")
	for _, command := range []*exec.Cmd{
		exec.Command("go", "-C", "../..", "build", "-o", osp, "./cmd/osp"),
		exec.Command(osp, "forward", "--from", "file://"+file.Name(), "--to", connectionString),
	} {
		if out, err := command.CombinedOutput(); err != nil {
			b.Fatalf("%q: %v\n%s", command.Args, err, out)
		}
	}
}
