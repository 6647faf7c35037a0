package loginsight

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A notification whose JSON is too large for a field is stored in the short form: an
// event as Python's driver sends it, with shorter texts and little info, and the member
// osp_original in its JSON. Events of another kind, before it, have the JSON of the
// notification, in parts. Python's driver reads the short form and does not find the
// parts. Our reader restores the notification.

// originalKey is the member of the short form that names the parts.
const originalKey = "osp_original"

// The events of the parts. Their text has no word of eventText besides the name, so
// that a query for events does not find parts.
const (
	partText     = "OSProfiler original"
	partField    = "osp_part"    // the digest of the JSON
	numberField  = "osp_number"  // of the part, from 0
	contentField = "osp_content" // of the part, in base64, so that no server changes white space
)

// partBytes is how many bytes of JSON a part has: maxField in base64.
const partBytes = maxField / 4 * 3

// mostOriginal is how many bytes the JSON of a notification has at most.
const mostOriginal = 1 << 30

// mostText is the largest size in bytes of a text of a short form in JSON, where one byte
// of a text may become six. Longer texts are cut. A short form has up to ten texts.
const mostText = 1000

// shortened returns the beginning of a text that has at most mostText bytes in JSON.
func shortened(text string) string {
	for most := mostText; ; most /= 2 {
		short := beginning(text, most)
		if len(pyjson.AppendString(nil, short)) <= mostText+len(`""`) {
			return short
		}
	}
}

// An original says where the parts of a notification are.
type original struct {
	digest string
	bytes  int
	// isCut says that the short form lacks a part of a text that a summary needs.
	isCut bool
}

// needsShortForm reports whether a notification cannot be stored as it is: its JSON is
// too large for a field, or looks like a short form.
func needsShortForm(n *osprofiler.Notification, trace []byte) bool {
	if len(trace) > maxField {
		return true
	}
	if n.Plain() {
		return false
	}
	_, ok := n.Member(originalKey)
	return ok
}

func digestOf(trace []byte) string {
	sum := sha256.Sum256(trace)
	return hex.EncodeToString(sum[:])
}

// appendShort appends the short form of a notification.
func appendShort(dst []byte, n *osprofiler.Notification, o original) []byte {
	cut := func(key, text string, orNull bool) {
		short := shortened(text)
		o.isCut = o.isCut || len(short) < len(text)
		dst = append(append(append(dst, '"'), key...), `": `...)
		if orNull && text == "" {
			dst = append(dst, "null, "...)
			return
		}
		dst = append(pyjson.AppendString(dst, short), ", "...)
	}
	dst = append(dst, '{')
	cut("name", n.Name, false)
	cut("base_id", n.BaseID, false)
	cut("trace_id", n.TraceID, false)
	cut("parent_id", n.ParentID, true)
	cut("timestamp", n.Timestamp, false)
	dst = appendShortInfo(append(dst, `"info": `...), n.Info)
	dst = append(dst, ", "...)
	cut("project", n.Project, true)
	cut("service", n.Service, true)
	dst = fmt.Appendf(dst, `"%s": {"sha256": "%s", "bytes": %d`, originalKey, o.digest, o.bytes)
	if o.isCut {
		dst = append(dst, `, "cut": true`...)
	}
	return append(dst, "}}"...)
}

// appendShortInfo appends an info with what the Python library and a summary need:
// host, etype and message.
func appendShortInfo(dst []byte, info osprofiler.Info) []byte {
	dst = append(dst, '{')
	for i, key := range []string{"host", etypeKey, "message"} {
		raw, ok := info.Get(key)
		if !ok {
			if key != "host" {
				continue
			}
			raw = `""` // the Python library needs one
		}
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(append(append(dst, '"'), key...), `": `...)
		if text, isText := pyjson.Text(raw); isText {
			dst = pyjson.AppendString(dst, shortened(text))
		} else if value := python.Append(nil, raw); len(value) <= mostText {
			dst = append(dst, value...)
		} else {
			dst = pyjson.AppendString(dst, shortened(raw))
		}
	}
	return append(dst, '}')
}

// appendPart appends the event of a part.
func appendPart(dst []byte, digest string, number int, content []byte) []byte {
	dst = append(dst, `{"text": "`+partText+`", "fields": [{"name": "`+partField+`", "content": "`...)
	dst = append(append(dst, digest...), `"}, {"name": "`+numberField+`", "content": "`...)
	dst = strconv.AppendInt(dst, int64(number), 10)
	dst = append(dst, `"}, {"name": "`+contentField+`", "content": "`...)
	return append(base64.StdEncoding.AppendEncode(dst, content), `"}]}`...)
}

// originalOf returns where the parts of a notification are that was stored in the
// short form, or nil if it was not.
func originalOf(n *osprofiler.Notification) (*original, error) {
	raw, ok := n.Member(originalKey)
	if !ok {
		return nil, nil //nolint:nilnil // not the short form
	}
	digest, _ := pyjson.Text(first(pyjson.Get(raw, "sha256")))
	size, err := strconv.Atoi(first(pyjson.Get(raw, "bytes")))
	if _, notHex := hex.DecodeString(digest); notHex != nil || len(digest) != hex.EncodedLen(sha256.Size) || err != nil || size < 0 || size > mostOriginal || digest != strings.ToLower(digest) {
		return nil, errors.New("its member " + originalKey + " does not say where the original is")
	}
	return &original{digest: digest, bytes: size, isCut: first(pyjson.Get(raw, "cut")) == "true"}, nil
}

func first(raw string, _ bool) string { return raw }

// A collection collects the parts of originals.
type collection map[string]*parts // by digest

// parts are the parts of one original. Another program may have written events that
// look like parts, so that a part may have several candidates, the newest first.
type parts struct {
	original
	contents [][][]byte // by number
}

// mostCandidates is how many candidates of a part are kept. The candidates of all parts
// are tried against the digest in up to mostTries choices, and fewer if the original is
// large.
const (
	mostCandidates = 4
	mostTries      = 256
	mostTriedBytes = 256 << 20
)

// add adds the part of an event, if it is one that is missing.
func (c collection) add(e *Event) {
	digest, _ := e.Field(partField)
	number, _ := e.Field(numberField)
	content, _ := e.Field(contentField)
	p := c[digest]
	i, err := strconv.Atoi(number)
	if p == nil || err != nil || i < 0 || i >= p.count() || len(content) > base64.StdEncoding.EncodedLen(partBytes) {
		return
	}
	if p.contents == nil {
		p.contents = make([][][]byte, p.count())
	}
	text, err := base64.StdEncoding.DecodeString(content)
	if err != nil || len(text) != p.size(i) || len(p.contents[i]) == mostCandidates ||
		slices.ContainsFunc(p.contents[i], func(other []byte) bool { return bytes.Equal(other, text) }) {
		return
	}
	p.contents[i] = append(p.contents[i], text)
}

// size returns how many bytes a part should have.
func (p *parts) size(number int) int { return min(partBytes, p.bytes-number*partBytes) }

// count returns how many parts there should be.
func (p *parts) count() int { return (p.bytes + partBytes - 1) / partBytes }

// notification returns the notification that the parts make.
func (p *parts) notification() (n osprofiler.Notification, err error) {
	missing := p.count() - len(p.contents)
	for _, candidates := range p.contents {
		if len(candidates) == 0 {
			missing++
		}
	}
	if missing > 0 {
		return n, fmt.Errorf("%d of the %d parts of its original are not there, or not yet", missing, p.count())
	}
	choice := make([]int, len(p.contents))
	for range min(mostTries, 2+mostTriedBytes/max(p.bytes, 1)) {
		text := p.text(choice)
		if digestOf(text) == p.digest {
			return osprofiler.ParseNotification(string(text))
		}
		if !p.next(choice) {
			break
		}
	}
	return n, errors.New("the parts of its original are not what was written")
}

// text returns the text of a choice of the candidates.
func (p *parts) text(choice []int) []byte {
	text := make([]byte, 0, min(p.bytes, len(p.contents)*partBytes))
	for i, candidates := range p.contents {
		text = append(text, candidates[choice[i]]...)
	}
	return text
}

// next moves to the next choice, like a counter. It reports false behind the last one.
func (p *parts) next(choice []int) bool {
	for i := range choice {
		if choice[i]++; choice[i] < len(p.contents[i]) {
			return true
		}
		choice[i] = 0
	}
	return false
}
