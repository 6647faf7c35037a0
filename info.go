package osprofiler

import (
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// An Info describes the event of a notification. It is the text of a JSON object, as Python's
// json.dumps writes it. [NewInfo] makes one. The empty Info is written as {}.
type Info string

// NewInfo makes an Info from values: nil, booleans, numbers including NaN and Infinity,
// strings, bytes as text, times in Python's isoformat, errors as their text, and maps and
// slices of these. Other types are written as encoding/json writes them. Keys are sorted,
// except that host comes last, as in Python.
func NewInfo(values map[string]any) (Info, error) {
	host, hasHost := values[keyHost]
	if hasHost && len(values) > 1 {
		rest := make(map[string]any, len(values))
		for k, v := range values {
			if k != keyHost {
				rest[k] = v
			}
		}
		values = rest
	}
	text, err := pyjson.Append(nil, values)
	if err != nil {
		return "", fmt.Errorf("info: %w", err)
	}
	info := Info(text)
	if hasHost && !info.Has(keyHost) {
		value, err := pyjson.Append(nil, host)
		if err != nil {
			return "", fmt.Errorf("info: %w", err)
		}
		info = info.With(keyHost, string(value))
	}
	return info, nil
}

const keyHost = "host"

// text returns the JSON of the info.
func (i Info) text() string {
	if i == "" {
		return "{}"
	}
	return string(i)
}

// Validate returns an error if Info is not the text of one JSON object on one line. The error
// says at which byte the text stops being one.
func (i Info) Validate() error {
	raw, err := pyjson.One(i.text())
	if err != nil {
		return fmt.Errorf("info should be a JSON object: %w", err)
	}
	if pyjson.KindOf(raw) != pyjson.Object {
		return fmt.Errorf("info should be a JSON object, not %s", abbreviate(raw))
	}
	if pyjson.Printable(string(i)) {
		return nil
	}
	if !utf8.ValidString(string(i)) {
		return fmt.Errorf("info should be valid UTF-8")
	}
	if strings.IndexByte(string(i), '\n') >= 0 || strings.IndexByte(string(i), '\r') >= 0 {
		return fmt.Errorf("info should stand on one line")
	}
	return nil
}

// ParseInfo makes an Info from the text of a JSON object in any layout. It drops blanks around
// the text, replaces line breaks by blanks, and replaces bytes that are not UTF-8 by U+FFFD.
// The error says at which byte the text stops being a JSON object.
func ParseInfo(text string) (Info, error) {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	text = strings.TrimSpace(strings.NewReplacer("\n", " ", "\r", " ").Replace(text))
	info := Info(text)
	if err := info.Validate(); err != nil {
		return "", err
	}
	return info, nil
}

// Members yields the keys and the raw JSON values of the members, in their order.
func (i Info) Members() iter.Seq2[string, string] { return pyjson.Members(string(i)) }

// Get returns the raw JSON value of a member.
func (i Info) Get(key string) (raw string, ok bool) { return pyjson.Get(string(i), key) }

// Has reports whether there is a member with that key.
func (i Info) Has(key string) bool {
	_, ok := i.Get(key)
	return ok
}

// Text returns the value of a member that is a string, and an empty text otherwise.
func (i Info) Text(key string) string {
	raw, _ := i.Get(key)
	text, _ := pyjson.Text(raw)
	return text
}

// Host returns the member host: where the event happened.
func (i Info) Host() string { return i.Text(keyHost) }

// With returns the info with the member set to a raw JSON value. An existing member keeps its
// position. A new member comes last.
func (i Info) With(key, raw string) Info { return Info(i.rewrite(key, raw, true)) }

// Without returns the info without the member.
func (i Info) Without(key string) Info {
	if !i.Has(key) {
		return i
	}
	return Info(i.rewrite(key, "", false))
}

func (i Info) rewrite(key, raw string, keep bool) []byte {
	dst := append(make([]byte, 0, len(i)+len(key)+len(raw)+8), '{')
	member := func(k, v string) {
		if len(dst) > 1 {
			dst = append(dst, ", "...)
		}
		dst = append(append(pyjson.AppendString(dst, k), ": "...), v...)
	}
	written := false
	for k, v := range i.Members() {
		switch {
		case k != key:
			member(k, v)
		case keep && !written:
			member(k, raw)
			written = true
		}
	}
	if keep && !written {
		member(key, raw)
	}
	return append(dst, '}')
}

// Failed reports whether the event is a failure by the rule of the Python library:
// the member etype exists and is not null. An empty string is a failure too.
func (i Info) Failed() bool {
	raw, ok := i.Get("etype")
	return ok && pyjson.KindOf(raw) != pyjson.Null
}
