package html

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html"
	"regexp"
	"strings"
	"sync"
)

//go:embed page.html *.css *.js
var files embed.FS

// The markers of page.html.
const (
	markerCSP    = "<!--CSP-->"    // the content security policy
	markerTitle  = "<!--TITLE-->"  // the title, as text
	markerData   = "<!--DATA-->"   // the index
	markerReport = "<!--REPORT-->" // the saved report
)

var marker = regexp.MustCompile(`<!--[A-Z]+-->`)

// An assembled page has its style sheets and scripts inline.
type assembled struct {
	text            string
	scripts, styles []string // the hashes of the elements, as a policy names them
}

// reference matches a line of page.html that names a style sheet or a script.
var reference = regexp.MustCompile(`(?m)^[ \t]*<(?:link rel="stylesheet" href|script src)="([a-z0-9_-]+\.(?:css|js))">(?:</script>)?[ \t]*$`)

var assemble = sync.OnceValue(func() *assembled {
	p := &assembled{}
	p.text = reference.ReplaceAllStringFunc(read("page.html"), func(line string) string {
		name := reference.FindStringSubmatch(line)[1]
		body := "\n" + read(name)
		if strings.HasSuffix(name, ".css") {
			p.styles = append(p.styles, hash(body))
			return "<style>" + body + "</style>"
		}
		p.scripts = append(p.scripts, hash(body))
		return "<script>" + body + "</script>"
	})
	return p
})

// page returns the page with its style sheets and scripts, and with the markers.
func page() string { return assemble().text }

// read returns an embedded file. If page.html names a file that is not embedded, that is a
// bug of this package, which every test finds.
func read(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func hash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// policy returns the content security policy. It allows the scripts and style sheets of this
// package, and images in the page itself. It forbids any request, and forbids scripts to make
// markup or code from a text.
func policy() string {
	p := assemble()
	return fmt.Sprintf(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; `+
		`script-src %s; style-src %s; img-src data:; base-uri 'none'; form-action 'none'; `+
		`require-trusted-types-for 'script'; trusted-types 'none'">`,
		strings.Join(p.scripts, " "), strings.Join(p.styles, " "))
}

// escape writes a text as text of HTML. A NUL, which HTML does not allow, becomes
// U+FFFD.
func escape(text string) string {
	return html.EscapeString(strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD"))
}

// A pageWriter writes the page. Its error is the error of [bufio.Writer.Flush].
type pageWriter struct{ *bufio.Writer }

func (w pageWriter) text(s string) { _, _ = w.WriteString(s) }

// page writes the page with its markers replaced.
func (w pageWriter) page(text string, replacements map[string]func()) {
	last := 0
	for _, at := range marker.FindAllStringIndex(text, -1) {
		replace, ok := replacements[text[at[0]:at[1]]]
		if !ok {
			continue
		}
		w.text(text[last:at[0]])
		replace()
		last = at[1]
	}
	w.text(text[last:])
}

// The encodings of data elements. [reader.ParseReport] reads the second one.
const (
	oneGzip    = "gzip-base64"
	gzipChunks = "gzip-base64-chunks" // one line for each chunk
)

// element writes a data element.
func (w pageWriter) element(id, encoding string, chunks ...[]byte) {
	w.text(`<script type="application/octet-stream" id="` + id + `" data-encoding="` + encoding + `">`)
	for i, chunk := range chunks {
		if i > 0 {
			w.text("\n")
		}
		e := base64.NewEncoder(base64.StdEncoding, w)
		_, _ = e.Write(chunk)
		_ = e.Close()
	}
	w.text("</script>")
}
