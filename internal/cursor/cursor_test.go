package cursor_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/internal/cursor"
	"github.com/osprofiler-otel/osprofiler/store"
)

var codec = &cursor.Codec{Prefix: "x1", Kind: "X"}

// Decode returns the body that Encode wrote, and any other text is an error.
func TestRoundTrip(t *testing.T) {
	var w cursor.Writer
	w.Uint(0)
	w.Uint(1<<64 - 1)
	w.Int(-1 << 63)
	w.Int(1<<63 - 1)
	w.Uint16(1 << 15)
	w.Uint32(1 << 31)
	w.Uint64(1 << 63)
	w.Text("")
	w.Text("a:\x00ö\xff")
	text := codec.Encode(w.Body())
	if !strings.HasPrefix(text, "x1:") || strings.Trim(text, ":-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
		t.Errorf("the cursor is %q", text)
	}
	r, err := codec.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if a, b, c, d := r.Uint(), r.Uint(), r.Int(), r.Int(); a != 0 || b != 1<<64-1 || c != -1<<63 || d != 1<<63-1 {
		t.Error(a, b, c, d)
	}
	if a, b, c := r.Uint16(), r.Uint32(), r.Uint64(); a != 1<<15 || b != 1<<31 || c != 1<<63 {
		t.Error(a, b, c)
	}
	if !r.More() || r.Done() {
		t.Error("there should be more")
	}
	if a, b := r.Text(), r.Text(); a != "" || b != "a:\x00ö\xff" || r.More() || !r.OK() || !r.Done() {
		t.Errorf("%q, %q, %+v", a, b, r)
	}
	if r.Uint() != 0 || r.OK() || r.Done() || r.Text() != "" {
		t.Error("it reads beyond the end")
	}
}

func TestInvalid(t *testing.T) {
	good := codec.Encode([]byte{1, 2, 3, 4}) // of a length that leaves spare bits
	changed := []byte(good)
	changed[5] ^= 1
	for name, text := range map[string]string{
		"none":                "",
		"the prefix alone":    "x1",
		"no checksum":         "x1:",
		"a short checksum":    "x1:AAA",
		"another version":     strings.Replace(good, "x1:", "x2:", 1),
		"another prefix":      "y" + good,
		"of a longer prefix":  (&cursor.Codec{Prefix: "x1:x1"}).Encode([]byte{1}),
		"changed":             string(changed),
		"cut":                 good[:len(good)-1],
		"longer":              good + "A",
		"a line's end":        good + "\n",
		"a line's end inside": good[:6] + "\n" + good[6:],
		"padding":             good + "==",
		"the other base64":    "x1:" + base64.RawStdEncoding.EncodeToString([]byte{0xFB, 0xFF, 0xFE, 0, 0, 0}),
		"spare bits":          good[:len(good)-1] + next(good[len(good)-1:]),
	} {
		_, err := codec.Decode(text)
		if !errors.Is(err, store.ErrCursor) || !strings.HasSuffix(err.Error(), ": it is no cursor of X") {
			t.Errorf("%s: %q: %v", name, text, err)
		}
	}
}

// next returns the character after the last one of a cursor. The cursor with that character
// decodes to the same bytes, but a spare bit is set.
func next(last string) string {
	const all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return all[strings.Index(all, last)+1:][:1]
}

// A Reader refuses numbers that no Writer writes, and counts that are too large.
func TestReaderRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		body []byte
		read func(*cursor.Reader)
	}{
		"a number without an end":       {[]byte{0x80}, func(r *cursor.Reader) { r.Uint() }},
		"a number of 65 bits":           {[]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2}, func(r *cursor.Reader) { r.Uint() }},
		"a number with a byte too much": {[]byte{0x80, 0}, func(r *cursor.Reader) { r.Int() }},
		"too many":                      {[]byte{9}, func(r *cursor.Reader) { r.Count(8) }},
		"a text longer than the rest":   {[]byte{3, 'a', 'b'}, func(r *cursor.Reader) { r.Text() }},
		"a text of 2^63 bytes":          {[]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}, func(r *cursor.Reader) { r.Text() }},
		"two bytes of four":             {[]byte{1, 2}, func(r *cursor.Reader) { r.Uint32() }},
	} {
		r, err := codec.Decode(codec.Encode(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.read(r); r.OK() || r.Done() || r.More() {
			t.Errorf("%s was read", name)
		}
	}
}

func TestForeign(t *testing.T) {
	err := codec.Foreign(strings.Repeat("ä", 5000), "X at h:1")
	want := `cannot resume from the cursor "` + strings.Repeat("ä", 30) + `"…: it is not of X at h:1, or what it refers to was deleted or replaced`
	if err.Error() != want || !errors.Is(err, store.ErrCursor) {
		t.Errorf("got %v", err)
	}
}

// Decode accepts exactly what Encode returns.
func TestLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		text := codec.Encode(body)
		if _, err := codec.Decode(text); err != nil {
			t.Fatal(err)
		}
		other := []byte(text)
		other[rapid.IntRange(0, len(other)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if _, err := codec.Decode(string(other)); err == nil {
			t.Fatalf("%q is accepted for %q", other, text)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add("x1:AAAAAA")
	f.Add(codec.Encode([]byte{1, 2, 3}))
	f.Fuzz(func(t *testing.T, text string) {
		r, err := codec.Decode(text)
		if err != nil {
			return
		}
		var body []byte
		for r.More() {
			b := r.Uint()
			var w cursor.Writer
			w.Uint(b)
			body = append(body, w.Body()...)
		}
		if r.Done() && codec.Encode(body) != text {
			t.Errorf("%q reads like %q", text, codec.Encode(body))
		}
	})
}
