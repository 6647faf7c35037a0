package osprofiler_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler"
)

// utf16Of encodes a text as UTF-16, as Windows editors save it.
func utf16Of(order binary.AppendByteOrder, text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

func TestParseKeys(t *testing.T) {
	const marked, empty, invisible, quoted, hidden = "byte order mark", "empty member, which was dropped; check that no key is missing", "nothing but invisible", "quotation marks around", "holds an invisible"
	for _, c := range []struct {
		list     string
		want     []string
		warnings []string
	}{
		{"", nil, nil},
		{" \t\r\n", nil, nil},
		{"\uFEFF", nil, []string{marked}},
		{" , ,", nil, []string{empty}},
		{",", nil, []string{empty}},
		{"SECRET_KEY", []string{"SECRET_KEY"}, nil},
		{" k1 ,k2\r\n", []string{"k1", "k2"}, nil},
		{"k1,\n  k2\n", []string{"k1", "k2"}, nil}, // a value over two lines, as oslo.config reads it
		{"\x1c\u00A0k\u2003\x1f", []string{"k"}, nil},
		{"k1,,k2", []string{"k1", "k2"}, []string{empty}},
		{" first , other-key ,, é", []string{"first", "other-key", "é"}, []string{empty}},
		{"a b,a b", []string{"a b", "a b"}, nil},
		{"\uFEFFk1,k2", []string{"k1", "k2"}, []string{marked}},
		{"\uFEFF k\r\n", []string{"k"}, []string{marked}},
		{"k1,\uFEFFk2", []string{"k1", "k2"}, []string{marked}}, // the content of two concatenated files
		{`"k"`, []string{`"k"`}, []string{quoted}},
		{`'k1','k2'`, []string{"'k1'", "'k2'"}, []string{quoted}},
		{`"k1,k2"`, []string{`"k1`, `k2"`}, []string{quoted}},
		{`""`, nil, []string{quoted, invisible}},
		{`' '`, nil, []string{quoted, invisible}},
		{"k1, \u200B ", []string{"k1"}, []string{invisible}},
		{"\x01\x02", nil, []string{invisible}},
		{"k\u200B", []string{"k\u200B"}, []string{hidden}},
		{"k\x1b[0m", []string{"k\x1b[0m"}, []string{hidden}},
	} {
		got, warnings, err := osprofiler.ParseKeys(c.list)
		if err != nil || !slices.Equal(got, c.want) || len(warnings) != len(c.warnings) {
			t.Errorf("ParseKeys(%q) = %q, %q, %v; want %q", c.list, got, warnings, err, c.want)
			continue
		}
		for i, want := range c.warnings {
			if !strings.Contains(warnings[i], want) {
				t.Errorf("ParseKeys(%q) warns %q, want %q", c.list, warnings[i], want)
			}
		}
	}
}

func TestParseKeysRefuses(t *testing.T) {
	const secret = "s3cr3t"
	for list, want := range map[string]string{
		"\xFF\xFE" + utf16Of(binary.LittleEndian, secret):           "are UTF-16 (little-endian)",
		"\xFE\xFF" + utf16Of(binary.BigEndian, secret):              "are UTF-16 (big-endian)",
		"\xFF\xFE" + utf16Of(binary.LittleEndian, "Zoë\r\n"):        "are UTF-16 (little-endian)",
		utf16Of(binary.LittleEndian, secret):                        "are UTF-16 (little-endian, without",
		utf16Of(binary.BigEndian, secret+"\n"):                      "are UTF-16 (big-endian, without",
		"\xFF\xFE\x00\x00s\x00\x00\x00":                             "are UTF-32 (little-endian)",
		"\x00\x00\xFE\xFF\x00\x00\x00s":                             "are UTF-32 (big-endian)",
		secret + "\xE9":                                             "no UTF-8 text",
		secret + "\x00":                                             "hold a NUL",
		"\x00\x00\x00":                                              "hold a NUL",
		secret + "\nk2":                                             "a line break",
		"k1,# " + secret + "\r\nk2":                                 "a line break",
		"OSPROFILER_HMAC_KEYS=" + secret:                            `begin with "OSPROFILER_HMAC_KEYS="`,
		"\uFEFFexport OSPROFILER_HMAC_KEYS='" + secret + "'":        `begin with "export OSPROFILER_HMAC_KEYS="`,
		"hmac_keys = " + secret + "\n":                              `begin with "hmac_keys ="`,
		"k," + strings.Repeat("\n", 1<<16) + secret + "\r" + secret: "a line break",
	} {
		keys, _, err := osprofiler.ParseKeys(list)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) || keys != nil {
			t.Errorf("ParseKeys(%.60q) = %q, %v; want %q", list, keys, err, want)
		}
	}
}

// A key that anybody knows neither signs nor verifies. The HMAC of a key of NULs equals that
// of the empty key, and an unset value leaves a key of blanks and quotation marks.
func TestKeysThatSayNothingNeitherSignNorVerify(t *testing.T) {
	for _, key := range []string{"", " ", "\t\r\n", "\x00", strings.Repeat("\x00", 64), strings.Repeat("\x00", 65), "\uFEFF", "\u00A0\u2003", "\u200B", `""`, "' '", "\x01\x7f"} {
		info, mac := osprofiler.TraceInfo{BaseID: "b", ParentID: "b"}.Pack(key)
		if info == "" || mac != "" {
			t.Errorf("%q signs %q with %q", key, info, mac)
		}
		for _, forgery := range []string{key, "", "\x00"} { // keys with which an attacker would sign
			text, mac := osprofiler.SealText(info, forgery)
			got, by, err := osprofiler.UnpackTraceInfo(text, mac, []string{key, "k"})
			if !errors.Is(err, osprofiler.ErrUnsigned) || by != "" || got != (osprofiler.TraceInfo{}) {
				t.Errorf("%q verifies what %q signed: %+v by %q, %v", key, forgery, got, by, err)
			}
		}
	}
}

// For any list, no parsed key verifies a signature of the empty key, and each parsed key is a
// part of the list.
func TestParsedKeysAreNoEmptyKeys(t *testing.T) {
	part := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", " ", ",", "\x00", "\uFEFF", `"`, "'", "\n", "k", "\xff", "\u200B"}))
	rapid.Check(t, func(t *rapid.T) {
		list := strings.Join(rapid.SliceOf(part).Draw(t, "parts"), rapid.SampledFrom([]string{"", ","}).Draw(t, "between"))
		keys, _, err := osprofiler.ParseKeys(list)
		if err != nil && keys != nil {
			t.Fatalf("%q: %q beside %v", list, keys, err)
		}
		info, mac := osprofiler.TraceInfo{BaseID: "b", ParentID: "b"}.Pack("k")
		forged, forgedMAC := osprofiler.SealText(info, "")
		for _, key := range keys {
			if !strings.Contains(list, key) || strings.ContainsAny(key, ",\x00\n") {
				t.Fatalf("%q: the key %q", list, key)
			}
			if _, signed := (osprofiler.TraceInfo{BaseID: "b"}).Pack(key); signed == "" {
				t.Fatalf("%q: the key %q does not sign", list, key)
			}
		}
		if _, _, err := osprofiler.UnpackTraceInfo(forged, forgedMAC, keys); !errors.Is(err, osprofiler.ErrUnsigned) {
			t.Fatalf("%q: the empty key passes", list)
		}
		if _, _, err := osprofiler.UnpackTraceInfo(info, mac, keys); (err == nil) != slices.Contains(keys, "k") {
			t.Fatalf("%q: %q, %v", list, keys, err)
		}
	})
}
