package browsertest

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/osprofiler-otel/osprofiler/internal/browsertest/browser"
)

// picturesVariable names the folder into which TestPictures writes.
const picturesVariable = "OSP_TEST_PICTURES"

// docPicturesVariable names the folder into which TestDocPictures writes.
const docPicturesVariable = "OSP_TEST_DOC_PICTURES"

// A scene is a state of the page of the volume trace.
type scene struct {
	name string
	set  string // statements of JavaScript
	wait string // an expression
}

var scenes = []scene{
	{"tree", "", "true"},
	{"details", `document.querySelector('#rows [role="row"]').click()`, detailsReady},
	{"flame", `document.getElementById("tab-flame").click()`, `!document.getElementById("view-flame").hidden`},
	{"services", `document.getElementById("tab-services").click()`, `!document.getElementById("view-services").hidden`},
	{"stats", `document.getElementById("tab-stats").click()`, `!document.getElementById("view-stats").hidden`},
	{"search", `const s = document.getElementById("search-text"); s.value = "quota"; s.dispatchEvent(new Event("input", {bubbles: true}))`, "true"},
	{"help", `document.getElementById("help-open").click()`, `document.getElementById("help").open`},
}

// TestPictures makes pictures of the page: each scene at 1,280 and at 400 pixels, light
// and dark. It writes them into the folder that OSP_TEST_PICTURES names, if it is set.
func TestPictures(t *testing.T) {
	folder := cmp.Or(os.Getenv(picturesVariable), t.TempDir())
	page := writePage(t, volume(t))
	for _, view := range []browser.View{{Width: 1280, Height: 800}, {Width: 400, Height: 800, Touch: true}} {
		for _, view.Scheme = range []string{"light", "dark"} {
			for _, s := range scenes {
				w := openFile(t, page, view)
				w.show(s)
				w.picture(filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", s.name, view.Width, view.Scheme)))
			}
		}
	}
}

// show brings the page into the state of a scene.
func (w *window) show(s scene) {
	w.t.Helper()
	if s.set != "" {
		w.run(s.set)
	}
	w.await(s.wait)
	w.settle()
}

// The pictures of docs/html-report.md.
var docScenes = []struct {
	file string
	view browser.View
	scene
}{
	{"html-tree.png", browser.View{Width: 1280, Height: 640}, scene{set: `goTo(5)`, wait: detailsReady}},
	{"html-flame.png", browser.View{Width: 1280, Height: 420, Scheme: "dark"}, scene{set: `document.getElementById("tab-flame").click(); document.getElementById("flame-time").click()`, wait: "true"}},
	{"html-services.png", browser.View{Width: 1280, Height: 420}, scene{set: `document.getElementById("tab-services").click()`, wait: "true"}},
	{"html-phone.png", browser.View{Width: 400, Height: 720, Touch: true}, scene{wait: "true"}},
}

const detailsReady = `document.getElementById("details").dataset.ready === "yes"`

// TestDocPictures makes the pictures of the documents. It writes them into the folder that
// OSP_TEST_DOC_PICTURES names, if it is set. The committed pictures are in docs/pictures.
func TestDocPictures(t *testing.T) {
	folder := cmp.Or(os.Getenv(docPicturesVariable), t.TempDir())
	page := writePage(t, volume(t))
	for _, s := range docScenes {
		w := openFile(t, page, s.view)
		w.show(s.scene)
		w.picture(filepath.Join(folder, s.file))
	}
}

// settle waits until the page has drawn the effects of the last statements.
func (w *window) settle() {
	w.t.Helper()
	eval[bool](w, `new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true))), 100))`)
}

// picture writes a picture of the window, with 256 colours so that the file is small.
func (w *window) picture(path string) {
	w.t.Helper()
	shot, err := browser.Run(w.Page, chromedp.CaptureScreenshot())
	w.must(err)
	full, err := png.Decode(bytes.NewReader(shot))
	w.must(err)
	small := image.NewPaletted(full.Bounds(), commonColours(full))
	draw.Draw(small, full.Bounds(), full, image.Point{}, draw.Src)
	var out bytes.Buffer
	w.must((&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small))
	w.must(os.WriteFile(path, out.Bytes(), 0o600))
}

// commonColours returns the 256 most frequent colours of an image.
func commonColours(m image.Image) color.Palette {
	counts := map[color.Color]int{}
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			counts[m.At(x, y)]++
		}
	}
	colours := slices.Collect(maps.Keys(counts))
	slices.SortFunc(colours, func(a, b color.Color) int { return counts[b] - counts[a] })
	return color.Palette(colours[:min(len(colours), 256)])
}
