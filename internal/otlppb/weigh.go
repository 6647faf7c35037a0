package otlppb

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A weight is the memory of a part of a request.
type weight struct {
	memory int64
	text   int64 // text of the part in one notification
	shared int64 // text that each span of the group has in its notifications
	spans  int64
}

// The memory of texts.
const (
	textMemory = 48 // of each text besides its bytes
	textCopies = 4  // of a text: decoded, and in the notifications of its span
	// sharedCopies is the number of copies of the resource's text in the notifications of
	// a span: in the span's data, and as the name of service, project or host.
	sharedCopies = 3
	memberText   = 50 // of an attribute or a value in a notification besides its texts
)

// maxWeighedDepth is higher than the depth up to which unmarshal and ParseJSON read.
const maxWeighedDepth = 1010

// Weigh estimates the bytes of memory that a request needs when its body is parsed and its
// spans are converted to notifications. Small messages need hundreds of times the memory
// of their bytes, and each span has a copy of its resource. Weigh itself allocates no
// memory.
func Weigh(body []byte) int64 {
	return weighProtobuf(requestKind, body, 0).memory + int64(len(body))
}

// WeighJSON is Weigh for the JSON form of OTLP.
func WeighJSON(body string) int64 {
	size := 2 * int64(len(body))
	if raw, err := pyjson.One(body); err == nil {
		size += weighJSON(requestKind, raw, 0).memory
	}
	return size
}

func weighProtobuf(kind *messageKind, message []byte, depth int) (w weight) {
	if depth > maxWeighedDepth {
		return w
	}
	_ = fields(message, func(number protowire.Number, whole, content []byte) {
		switch m, ok := kind.byNumber(number); {
		case !ok || content == nil:
			w.memory += 2 * int64(len(whole)) // unknown fields are kept
		case m.kind == nil:
			w.addText(kind, textOfBytes(content))
		default:
			w.add(m.kind, weighProtobuf(m.kind, content, depth+1))
		}
	})
	w.end(kind)
	return w
}

func weighJSON(kind *messageKind, raw string, depth int) (w weight) {
	if depth > maxWeighedDepth || pyjson.KindOf(raw) != pyjson.Object {
		return w
	}
	for key, v := range pyjson.Members(raw) {
		switch m, ok := kind.byName(key); {
		case !ok || key == "":
		case m.kind == nil:
			w.addText(kind, textOfBytes(v))
		case pyjson.KindOf(v) == pyjson.Array:
			for e := range pyjson.Elements(v) {
				w.add(m.kind, weighJSON(m.kind, e, depth+1))
			}
		default:
			w.add(m.kind, weighJSON(m.kind, v, depth+1))
		}
	}
	w.end(kind)
	return w
}

// A textSize is the length of a text, and how much longer it is in a notification.
type textSize struct{ length, escapes int64 }

func textOfBytes[T string | []byte](text T) (size textSize) {
	size.length = int64(len(text))
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' || c == 0x7f:
			size.escapes += 5 // \u0000
		case c >= 0x80:
			size.escapes += 2
		case c == '"' || c == '\\':
			size.escapes++
		}
	}
	return size
}

func (w *weight) addText(kind *messageKind, size textSize) {
	w.memory += textMemory + textCopies*size.length + (textCopies-1)*size.escapes
	written := size.length + size.escapes
	if kind.group {
		w.shared += written
		return
	}
	w.text += written
}

// add adds a message that is a member.
func (w *weight) add(kind *messageKind, part weight) {
	w.memory += kind.memory + part.memory
	w.spans += part.spans
	switch {
	case kind.span:
		w.spans++
	case kind.shared:
		w.shared += part.text + memberText
	case !kind.group:
		w.text += part.text + memberText
	}
}

// end adds the text of a group that is copied into each span of the group.
func (w *weight) end(kind *messageKind) {
	if kind.group {
		w.memory += sharedCopies * w.shared * w.spans
		w.shared = 0
	}
}
