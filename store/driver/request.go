package driver

import (
	"context"
	"iter"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
)

// A RequestFinder can find the traces of a request faster than the Store can. The Store
// otherwise lists the traces and reads each of them.
type RequestFinder interface {
	// TracesOfRequest yields the base id of each trace that has a notification for which
	// [MentionsRequest] is true. It may yield an id more than once, and ids of other traces,
	// because the Store reads each trace and checks it. Errors are as in [Reader]. If the
	// first element is errors.ErrUnsupported, the Store lists and reads the traces that the
	// rest of the query selects.
	TracesOfRequest(ctx context.Context, q Query) iter.Seq2[string, error]
}

// A RequestLister can list the traces of a request in one pass. The Store prefers it to a
// [RequestFinder].
type RequestLister interface {
	// TracesWithRequest yields the same as Traces of a [Lister], except the traces without a
	// notification for which [MentionsRequest] is true.
	TracesWithRequest(ctx context.Context, q Query) iter.Seq2[Summary, error]
}

// MentionsRequest reports whether a text in the info is the request id or has the request id
// as a word. Examples are info.openstack.request_id, an attribute of the span in info.otel, a
// parameter of a query, and the text of an error. A word ends where no letter, digit,
// underscore or hyphen follows.
//
// A text may be JSON within JSON, or the query of a URL. So it is also read without its
// escapes (\u002d, \n) and without percent-encoding (%20, %2D), up to mostLayers times. A
// letter or a digit of the id may be a JSON escape (\u00 and two digits). It may not be
// percent-encoded, because programs do not percent-encode letters and digits.
func MentionsRequest(info osprofiler.Info, id string) bool {
	if id == "" {
		return false
	}
	text := string(info)
	if !mayMention(text, id) {
		return false
	}
	for {
		begin := strings.IndexByte(text, '"')
		if begin < 0 {
			return false
		}
		end := endOfString(text, begin)
		if end < 0 {
			return false
		}
		if isMention(text[begin:end], id) {
			return true
		}
		text = text[end:]
	}
}

// mostLayers is the largest number of times that escapes are removed from a text.
const mostLayers = 3

// mayMention reports whether a text contains the id, unchanged or in another form.
func mayMention(text, id string) bool { return strings.Contains(text, id) || mayHide(text, id) }

// mayHide reports whether a text may contain the id in another form: with JSON escapes, or
// percent-encoded.
func mayHide(text, id string) bool {
	for i := range len(id) {
		if !isWordByte(id[i]) {
			return strings.IndexByte(text, '\\') >= 0 || strings.IndexByte(text, '%') >= 0
		}
	}
	return strings.Contains(text, `\u00`) || hasPercent(text, id)
}

// hasPercent reports whether a hyphen or an underscore of the id is percent-encoded in
// the text.
func hasPercent(text, id string) bool {
	if strings.IndexByte(text, '%') < 0 {
		return false
	}
	for _, form := range PercentForms(id) {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

// PercentForms returns texts to search for, such as %2D. If an info has the id only with
// percent-encoded bytes, it contains one of these texts. The id consists of letters, digits,
// hyphens and underscores.
func PercentForms(id string) (forms []string) {
	if strings.IndexByte(id, '-') >= 0 {
		forms = append(forms, "%2d", "%2D")
	}
	if strings.IndexByte(id, '_') >= 0 {
		forms = append(forms, "%5f", "%5F")
	}
	return forms
}

// endOfString returns the index after the string that begins at an index.
func endOfString(text string, begin int) int {
	for i := begin + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// isMention reports whether a string, with its quotes, mentions the request. An info that a
// program has built may be invalid JSON.
func isMention(raw, id string) bool {
	if !mayMention(raw, id) {
		return false
	}
	text := withoutEscapes(raw[1 : len(raw)-1])
	for range mostLayers {
		if hasWord(text, id) {
			return true
		}
		decoded := withoutPercent(text)
		if decoded != text && hasWord(decoded, id) {
			return true
		}
		next := withoutEscapes(decoded)
		if next == text {
			return false
		}
		text = next
	}
	return hasWord(text, id)
}

// hasWord reports whether the text contains the word.
func hasWord(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		begin := from + i
		end := begin + len(word)
		if (begin == 0 || !isWordByte(text[begin-1])) && (end == len(text) || !isWordByte(text[end])) {
			return true
		}
		from = begin + 1
	}
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}
