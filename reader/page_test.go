package reader_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/reader"
)

// pageOf returns a page of reader/render/html with the texts as the chunks of its report.
func pageOf(t *testing.T, chunks ...string) string {
	t.Helper()
	var lines []string
	for _, text := range chunks {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, base64.StdEncoding.EncodeToString(packed.Bytes()))
	}
	return `<!doctype html><body><script type="application/octet-stream" id="report" data-encoding="gzip-base64-chunks">` +
		strings.Join(lines, "\n") + "</script></body>"
}

func TestParsePage(t *testing.T) {
	good := pageOf(t, `{"children": [{"info": {"na`, `me": "wsgi"}, "children": []}]}`, `{"name": "for the page only"}`)
	for name, text := range map[string]string{
		"as it is": good, "with CRLF": strings.ReplaceAll(good, "\n", "\r\n"), "with a byte order mark": "\ufeff\n" + good,
	} {
		r, err := reader.ParseReport(text)
		if err != nil || len(r.Children) != 1 || r.Children[0].Name != "wsgi" {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
	for _, c := range []struct{ name, text, want string }{
		{"cut off", good[:len(good)-30], "the web page is cut off: save it again"},
		{"no base64", strings.Replace(good, "chunks\">H4", "chunks\">!!", 1), "the report in the web page is damaged in part 1: illegal base64 data at input byte 0"},
		{"damaged", strings.Replace(good, "AAAA", "BBBB", 1), "the report in the web page is damaged in part 1: "},
		{"a part is missing", pageOf(t, `{"children": [{"info": {"na`), "a saved report should be a JSON object: "},
		{"empty", pageOf(t, ``), "a saved report should be a JSON object: "},
	} {
		if _, err := reader.ParseReport(c.text); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want %s", c.name, err, c.want)
		}
	}
}

// A small page with a huge report is refused before it uses much memory.
func TestParsePageBomb(t *testing.T) {
	chunks := make([]string, 5)
	for i := range chunks {
		chunks[i] = strings.Repeat(" ", 64<<20)
	}
	_, err := reader.ParseReport(pageOf(t, chunks...))
	if want := "the report in the web page is damaged in part 5: the report is larger than 268435456 bytes"; err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
}
