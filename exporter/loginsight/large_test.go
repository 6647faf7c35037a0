package loginsight

import (
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// The short form of any notification fits into a field, and is a notification with the
// same original.
func TestShortFormFits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"\x00", "\x01\x02", "ż", "\U0001F600", "\xed\xa0\x80", `"`, `\`, "a", "\x7f"}
	text := func(size int) string {
		var b strings.Builder
		piece := pieces[r.IntN(len(pieces))]
		for b.Len() < size {
			if r.IntN(3) == 0 {
				piece = pieces[r.IntN(len(pieces))]
			}
			b.WriteString(piece)
		}
		return b.String()
	}
	value := func(size int) string {
		quoted := string(pyjson.AppendString(nil, text(size)))
		if r.IntN(3) == 0 {
			return `{"a": [` + quoted + `]}`
		}
		return quoted
	}
	for i := range 120 {
		size := []int{499, 500, 501, 1000, 4000, 30_000}[i%6]
		n := osprofiler.Notification{
			Name: text(size), BaseID: text(size), TraceID: text(size), ParentID: text(size), Timestamp: text(size), Project: text(size), Service: text(size),
			Info: osprofiler.Info(`{"host": ` + value(size) + `, "etype": ` + value(size) + `, "message": ` + value(size) + `}`),
		}
		trace := appendTrace(nil, &n)
		want := original{digest: digestOf(trace), bytes: len(trace)}
		short := appendShort(nil, &n, want)
		if len(short) > maxField || !json.Valid(short) {
			t.Fatalf("%d: the short form has %d bytes, at most %d fit: %.200s", i, len(short), maxField, short)
		}
		back, err := osprofiler.ParseNotification(string(short))
		if err != nil {
			t.Fatal(err)
		}
		if o, err := originalOf(&back); err != nil || o.digest != want.digest || o.bytes != want.bytes {
			t.Errorf("%d: the original is %+v, %v", i, o, err)
		}
	}
}

// Events that look like parts do not hide the right ones, in whatever order they come.
func TestWrongParts(t *testing.T) {
	n := osprofiler.Notification{Name: "a-start", BaseID: "b", TraceID: "t", Timestamp: "2024-05-06T07:08:09.000010", Info: osprofiler.Info(`{"text": "` + strings.Repeat("x", 3*partBytes) + `"}`)}
	trace := appendTrace(nil, &n)
	o := original{digest: digestOf(trace), bytes: len(trace)}
	var events []Event
	for i := 0; i*partBytes < len(trace); i++ {
		part := append([]byte(nil), trace[i*partBytes:min(len(trace), (i+1)*partBytes)]...)
		for wrong := range 3 {
			text := append([]byte(nil), part...)
			if wrong > 0 {
				text[wrong] = '?'
			}
			events = append(events, Event{Fields: []Field{
				{partField, o.digest}, {numberField, strconv.Itoa(i)}, {contentField, base64.StdEncoding.EncodeToString(text)},
			}})
		}
		events = append(events, Event{Fields: []Field{{partField, o.digest}, {numberField, strconv.Itoa(i)}, {contentField, "AAAA"}}})
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		all := collection{o.digest: &parts{original: o}}
		for i := range events {
			all.add(&events[i])
			all.add(&events[i]) // a batch that was written again
		}
		if got, err := all[o.digest].notification(); err != nil || !got.Equal(n) {
			t.Fatalf("got %.100s, %v", got.JSON(), err)
		}
	}
}
