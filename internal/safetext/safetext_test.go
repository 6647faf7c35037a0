package safetext_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

func TestVisible(t *testing.T) {
	for name, visible := range map[string]string{
		"ASCII": " aZ~`$(\"'\\", "letters": "żółć世界שלום", "symbols": "→✗█😀🇩🇪", "combining marks": "\u0301\u0e48\u20dd",
	} {
		for _, r := range visible {
			if !safetext.Visible(r) {
				t.Errorf("%s: %U is visible", name, r)
			}
		}
	}
	for name, invisible := range map[string]string{
		"control characters":              "\x00\x07\x08\t\n\r\x1b\x7f\u0080\u0085\u009b\u009f",
		"changes of the direction":        "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
		"characters without a width":      "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u2060\u2064\u206a\u3164\ufeff\uffa0\ufff9\U0001d173\U000e0001\U000e0041\U000e007f",
		"variation selectors":             "\u180b\ufe00\ufe0e\ufe0f\U000e0100\U000e01ef",
		"blanks":                          "\u00a0\u1680\u2000\u2003\u2028\u2029\u202f\u205f\u2800\u3000",
		"private use, never assigned":     "\ue000\U000f0000\U0010ffff\ufffe",
		"characters that interlinear use": "\ufff9\ufffa\ufffb",
	} {
		for _, r := range invisible {
			if safetext.Visible(r) {
				t.Errorf("%s: %U is not visible", name, r)
			}
		}
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"2130e762-6fff":              "2130e762-6fff",
		"Zażółć 世界":                  "Zażółć 世界",
		"\x1b[2J\n":                  `\x1b[2J\n`,
		"the file \"a\x1b\"":         `the file "a\x1b"`,
		"a\u202eb":                   `a\u202eb`,
		"\xff\xc3":                   `\xff\xc3`,
		"\uFFFD":                     "\uFFFD",
		"a\u200d\ufe0f":              `a\u200d\ufe0f`,
		"\U000e0041":                 `\U000e0041`,
		"e\u0301":                    "e\u0301",
		strings.Repeat("\u1100", 20): strings.Repeat("\u1100", 8) + "…",
	} {
		if got := safetext.Escape(text); got != want {
			t.Errorf("Escape(%q) = %q; want %q", text, got, want)
		}
	}
}

func TestBound(t *testing.T) {
	marks := strings.Repeat("\u0301", 2_000_000)
	for text, want := range map[string]string{
		"":                        "",
		"plain":                   "plain",
		"e\u0301a":                "e\u0301a",
		"a" + marks:               "a" + marks[:14] + "…",
		"a" + marks + "b":         "a" + marks[:14] + "…b",
		marks:                     marks[:16] + "…",
		"x" + marks + "y" + marks: "x" + marks[:14] + "…y" + marks[:14] + "…",
		"กี่":                     "กี่",
	} {
		if got := safetext.Bound(text); got != want {
			t.Errorf("%d bytes %.40q became %d bytes %.80q; want %.80q", len(text), text, len(got), got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"short", "short"}, {"0123456789", "0123456789"}, {"0123456789a", "01234…6789a"}, {"ééééééééééé", "ééééé…ééééé"}, {"éééééééééé", "éééééééééé"},
	} {
		if got := safetext.Shorten(c.text, 10); got != c.want {
			t.Errorf("Shorten(%q) = %q; want %q", c.text, got, c.want)
		}
	}
}

// For any text, the result of Escape is visible and its length is bounded.
func TestEscapeOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom(nil, unicode.M, unicode.Cf))).Draw(t, "text")
		got := safetext.Escape(text)
		marks := 0
		for _, r := range got {
			if !safetext.Visible(r) {
				t.Fatalf("%U in %q", r, got)
			}
			if marks++; !unicode.Is(unicode.M, r) {
				marks = 0
			}
			if marks > 8 {
				t.Fatalf("more than eight marks: %q", got)
			}
		}
		if !utf8.ValidString(got) {
			t.Fatalf("no UTF-8: %q", got)
		}
	})
}
