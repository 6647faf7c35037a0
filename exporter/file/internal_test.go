package file

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A line is skipped without parsing only if its notification belongs to another
// trace, however the id is spelled.
func TestSkipLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.OneOf(rapid.StringMatching(`[a-z0-9/"\\ é*-]{0,6}`), rapid.String(), rapid.Just("B\xff"), rapid.Just("\xed\xa0\x80")).Draw(t, "id")
		spelled := spell(t, id)
		if rapid.Bool().Draw(t, "raw") {
			spelled = rapid.SampledFrom([]string{"5", "1.50", "null", "true", "[1,\r2]", `{"a": "\u0062"}`, "\"\xff\""}).Draw(t, "value")
		}
		text := fmt.Sprintf(`{"name": "x", "info": {"n": "\u00e9"}, "base_id": %s}`, spelled)
		if rapid.Bool().Draw(t, "plain") {
			text = fmt.Sprintf(`{"base_id": %s}`, spelled)
		}
		n, err := osprofiler.ParseNotification(text)
		if err != nil {
			t.Fatal(err)
		}
		if !linesWith(n.BaseID)([]byte(text)) {
			t.Fatalf("%s is skipped when asked for %q", text, n.BaseID)
		}
		if !linesWith(driver.Text(id))([]byte(text)) && n.BaseID == driver.Text(id) {
			t.Fatalf("%s is skipped when asked for %q", text, id)
		}
	})
}

// spell writes a string as JSON, with escapes at drawn places.
func spell(t *rapid.T, s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r < 0x10000 && rapid.Bool().Draw(t, "escape"):
			fmt.Fprintf(&b, rapid.SampledFrom([]string{`\u%04x`, `\u%04X`}).Draw(t, "hex"), r)
		case r == '/' && rapid.Bool().Draw(t, "slash"):
			b.WriteString(`\/`)
		default:
			b.Write(pyjson.AppendEscaped(nil, string(r)))
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Most lines of other traces are skipped. Without that, the filter would be
// useless.
func TestSkips(t *testing.T) {
	const other = `{"name": "db-start", "base_id": "a0000000-0000-4000-8000-000000000001", "info": {"db": {"statement": "SELECT \"x\"\n", "t": "\u2713"}}}`
	if linesWith("b0000000-0000-4000-8000-000000000001")([]byte(other)) {
		t.Error("a line of another trace is parsed")
	}
}

func TestLines(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"\n", "1@0:"},
		{"a\nbb\n", "1@0:a 2@2:bb"},
		{"a\nbb", "1@0:a 2@2:bb"},
		{"\n\nx", "1@0: 2@1: 3@2:x"},
		{strings.Repeat("a", 70_000) + "\nb", "1@0:a*70000 2@70001:b"},
		{strings.Repeat("a", 100_000), "1@0:a*100000"},
		{strings.Repeat("a", 100_001) + "\nb\n", "1@0:too long 2@100002:b"},
		{"b\n" + strings.Repeat("a", 500_000), "1@0:b 2@2:too long"},
		{strings.Repeat("a", 1<<16) + "\n", "1@0:a*65536"},
		{strings.Repeat("a", 1<<16-1) + "\n" + strings.Repeat("a", 1<<16), "1@0:a*65535 2@65536:a*65536"},
	} {
		l := newLines(strings.NewReader(c.text), 0)
		l.longest = 100_000 + 1 // with the line's end
		var got []string
		for {
			err := l.next()
			if errors.Is(err, io.EOF) {
				break
			}
			line := string(l.line)
			if len(line) > 10 {
				line = fmt.Sprintf("%s*%d", line[:1], len(line))
			}
			if errors.Is(err, errTooLong) {
				line = "too long"
			}
			got = append(got, fmt.Sprintf("%d@%d:%s", l.number, l.start, line))
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%.20q… (%d bytes)\n got %s\nwant %s", c.text, len(c.text), got, c.want)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(string(position{10, 1}.cursor()))
	f.Add(string(position{math.MaxInt64, 0}.cursor()))
	f.Add(codec.Encode([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0}))
	f.Add("file1:AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseCursor(driver.Cursor(text))
		switch {
		case err != nil && !errors.Is(err, store.ErrCursor):
			t.Errorf("%q: the error is %v", text, err)
		case err == nil && (p.offset < 0 || p.cursor() != driver.Cursor(text)):
			t.Errorf("%q is read as %+v", text, p)
		}
	})
}

func FuzzConnectionString(f *testing.F) {
	f.Add("file:///a%20b.jsonl?osp_sync=no&osp_read_only")
	f.Add("file://localhost/C:/x")
	f.Fuzz(func(t *testing.T, text string) {
		if path, _, err := parse(text, config{}); err == nil && path == "" {
			t.Errorf("%q names no file, but no error came", text)
		}
	})
}
