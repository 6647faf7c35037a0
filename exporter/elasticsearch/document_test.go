package elasticsearch

import (
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
)

// Documents of another form than Python's are decoded into the expected notifications.
func TestDecodeDocument(t *testing.T) {
	const original = `{"name": "a-start", "base_id": "b", "n": 1e+16}`
	for source, want := range map[string]string{
		original:                                 original,
		`{"name":"a-start","info":{"host":"h"}}`: `{"name":"a-start","info":{"host":"h"}}`,
		`{"base_id": "short", "osp_original": "{\"name\": \"a-start\", \"base_id\": \"b\", \"n\": 1e+16}"}`: original,
		`{"base_id": "short", "info.host": "{\"name\": \"a-start\", \"base_id\": \"b\", \"n\": 1e+16}"}`:    original,
		`{"osp_original": "{}", "info.host": "{\"name\": \"x\"}"}`:                                          `{}`,
		`{"osp_original": 5}`: `{"osp_original": 5}`,
		`{"info": {"osp_original": "mine", "info.host": "mine"}}`: `{"info": {"osp_original": "mine", "info.host": "mine"}}`,
	} {
		n, err := decodeDocument([]byte(source))
		if err != nil || n.JSON() != want {
			t.Errorf("%s\nis read as %s, %v\nwant %s", source, n.JSON(), err, want)
		}
	}
	for source, want := range map[string]string{
		``: "", `[]`: "", `{"osp_original": "{"}`: "the text in the member osp_original of the document", `{"info.host": "no JSON"}`: "the text in the member info.host of the document",
		`{"osp_original": `: "the document",
	} {
		if n, err := decodeDocument([]byte(source)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is read as %s, %v", source, n.JSON(), err)
		}
	}
}

// Each notification can be restored from each form of its document.
func FuzzDocument(f *testing.F) {
	f.Add(`{"name": "a-stop", "base_id": "b", "timestamp": "2024-05-06T07:08:09.000010", "info": {"host": "h", "etype": "E"}}`)
	f.Add(`{"base_id": 5, "info": {"etype": [NaN]}, "osp_original": "x", "info.host": {}}`)
	f.Add(`{"base_id": "\ud800", "timestamp": "2024-05-06 07:08:09+01", "name": "` + strings.Repeat("😀", 200) + `-start"}`)
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = decodeDocument([]byte(text))
		n, err := osprofiler.ParseNotification(text)
		if err != nil || n.Validate() != nil {
			return
		}
		json := n.AppendJSON(nil)
		if !needsShortForm(&n, json) {
			if back, err := decodeDocument(json); err != nil || !back.Equal(n) {
				t.Errorf("%s\nis read as %s, %v", json, back.JSON(), err)
			}
		}
		for i := range shapes[1:] {
			short := shapes[i+1].appendShort(nil, &n, string(json))
			back, err := decodeDocument(short)
			if err != nil || !back.Equal(n) || strings.ContainsAny(string(short), "\n\r") {
				t.Errorf("%s\nis read as %s, %v", short, back.JSON(), err)
			}
		}
	})
}

func TestIDTerms(t *testing.T) {
	long := strings.Repeat("l", 300)
	for id, want := range map[string]string{
		"0a1b2c3d-0000-4000-8000-00000000e001": "", "": "", "ż✓😀": "", strings.Repeat("ż", 255): "", strings.Repeat("😀", 127): "",
		long:                     strings.Repeat("l", 238) + "~",
		strings.Repeat("😀", 128): strings.Repeat("😀", 119) + "~",
		"a\x00b":                 "a\uFFFDb~", "\xed\xa0\x80": "\uFFFD~",
	} {
		terms := idTerms(id)
		switch {
		case want == "" && (len(terms) != 1 || terms[0] != id):
			t.Errorf("%q: %q", id, terms)
		case want != "" && (len(terms) != 2 || !strings.HasPrefix(terms[0], want) || len(terms[0]) != len(want)+16 || units(terms[0]) > widest || terms[1] != id):
			t.Errorf("%q: %q", id, terms)
		}
	}
	if idTerm(long) == idTerm(long+"l") {
		t.Error("different ids have the same term")
	}
}

func TestUsualTime(t *testing.T) {
	for text, want := range map[string]string{
		"2024-05-06T07:08:09.000010": "2024-05-06T07:08:09.000010", "2024-05-06 07:08:09": "2024-05-06T07:08:09.000000",
		"2024-05-06T07:08:09.123456789+02:00": "2024-05-06T05:08:09.123456", "": "", "yesterday": "", "17": "", "2024-13-45T07:08:09.000010": "",
		"0000-00-00T00:00:00.000000": "", "9999-12-31T23:59:59-05:00": "",
	} {
		if got, ok := usualTime(text); got != want || ok != (want != "") {
			t.Errorf("%q: %q", text, got)
		}
	}
}
