package loginsight

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf16"
)

// mostAnswer is how many bytes of an answer are read.
var mostAnswer int64 = 64 << 20 // tests change it

// readResult reads the answer to a query, event by event. It is lenient about events,
// because other programs wrote most of them. A text that is not JSON is not an answer of
// Log Insight, nor is JSON without events.
//
// The result has at most limit events. A server that returns more ignores the limit. The
// further events are skipped, so that memory stays bounded.
func readResult(body io.Reader, limit int) (Result, error) {
	limited := &io.LimitedReader{R: body, N: mostAnswer + 1}
	result, err := decodeResult(json.NewDecoder(limited), limit)
	if limited.N <= 0 {
		return Result{}, ErrTooMuch
	}
	if _, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // of this decoder; an error of the connection stays what it is
		err = &foreignError{text: "no JSON: " + err.Error()}
	}
	return result, err
}

func decodeResult(d *json.Decoder, limit int) (r Result, err error) {
	if err := delimiter(d, '{'); err != nil {
		return r, err
	}
	hasEvents, hasComplete := false, false
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return r, err
		}
		switch key {
		case "events":
			hasEvents = true
			err = decodeEvents(d, &r.Events, limit)
		case "complete":
			hasComplete = true
			err = decodeValue(d, &r.Complete)
		case "warnings":
			err = decodeWarnings(d, &r)
		default:
			err = d.Decode(new(json.RawMessage))
		}
		if err != nil {
			return r, err
		}
	}
	if _, err := d.Token(); err != nil {
		return r, err
	}
	// Python's driver treats an answer without the member events as an empty one.
	if !hasEvents && !hasComplete {
		return r, &foreignError{text: "neither events nor complete"}
	}
	if !hasComplete {
		r.Complete = true
	}
	return r, nil
}

// decodeValue decodes a value. A value of another type does not come from Log Insight.
func decodeValue(d *json.Decoder, v any) error {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return err
	}
	if json.Unmarshal(raw, v) != nil {
		return &foreignError{text: "a member of another type: " + string(raw)}
	}
	return nil
}

func delimiter(d *json.Decoder, want json.Delim) error {
	token, err := d.Token()
	if err == nil && token != want {
		err = &foreignError{text: "JSON of another kind"}
	}
	return err
}

// timeoutWarning is the id of the warning that the query timeout is over.
const timeoutWarning = 128

// decodeWarnings decodes the warnings of an answer that is not complete.
func decodeWarnings(d *json.Decoder, r *Result) error {
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return err
	}
	var all []struct {
		ID      any `json:"id"`
		Details any `json:"details"`
	}
	if json.Unmarshal(raw, &all) != nil {
		return nil //nolint:nilerr // they only explain
	}
	for _, w := range all[:min(len(all), 10)] {
		if text, ok := w.Details.(string); ok && text != "" {
			r.Warnings = append(r.Warnings, text)
		}
		if id, ok := w.ID.(float64); ok && id == timeoutWarning {
			r.timedOut = true
		}
	}
	return nil
}

// decodeEvents decodes the events, one at a time. It passes over those beyond the limit.
func decodeEvents(d *json.Decoder, events *[]Event, limit int) error {
	token, err := d.Token()
	switch {
	case err != nil:
		return err
	case token == nil: // null
		return nil
	case token != json.Delim('['):
		return &foreignError{text: "events of another kind"}
	}
	var raw json.RawMessage
	for d.More() {
		raw = raw[:0]
		if err := d.Decode(&raw); err != nil {
			return err
		}
		if len(*events) < limit {
			*events = append(*events, decodeEvent(raw))
		}
	}
	_, err = d.Token()
	return err
}

// decodeEvent decodes an event as the reference of the API describes it. Any other value
// is decoded as far as possible.
func decodeEvent(raw json.RawMessage) Event {
	var usual struct {
		Text      string `json:"text"`
		Timestamp int64  `json:"timestamp"`
		Fields    []struct {
			Name    *string `json:"name"`
			Content *string `json:"content"`
			Start   *int    `json:"startPosition"`
			Length  *int    `json:"length"`
		} `json:"fields"`
	}
	if json.Unmarshal(raw, &usual) != nil {
		return decodeOddEvent(raw)
	}
	e := Event{Text: usual.Text, Timestamp: usual.Timestamp, Fields: make([]Field, 0, len(usual.Fields))}
	for _, f := range usual.Fields {
		switch {
		case f.Name == nil:
		case f.Content != nil:
			e.Fields = append(e.Fields, Field{*f.Name, *f.Content})
		case f.Start != nil && f.Length != nil:
			e.Fields = append(e.Fields, Field{*f.Name, part(usual.Text, *f.Start, *f.Length)})
		default:
			e.Fields = append(e.Fields, Field{Name: *f.Name})
		}
	}
	return e
}

// decodeOddEvent decodes an event with members of other types. It leaves out the members
// that it cannot use.
func decodeOddEvent(raw json.RawMessage) (e Event) {
	var loose struct {
		Text      json.RawMessage `json:"text"`
		Timestamp json.RawMessage `json:"timestamp"`
		Fields    json.RawMessage `json:"fields"`
	}
	if json.Unmarshal(raw, &loose) != nil {
		return e
	}
	e.Text = looseText(loose.Text)
	_ = json.Unmarshal(loose.Timestamp, &e.Timestamp) // else 0
	var fields []json.RawMessage
	if json.Unmarshal(loose.Fields, &fields) != nil {
		return e
	}
	for _, one := range fields {
		if f, ok := decodeField(one, e.Text); ok {
			e.Fields = append(e.Fields, f)
		}
	}
	return e
}

// decodeField decodes a field. A field may be a part of the text of the event.
func decodeField(raw json.RawMessage, text string) (f Field, ok bool) {
	var loose struct {
		Name    *string         `json:"name"`
		Content json.RawMessage `json:"content"`
		Start   *int            `json:"startPosition"`
		Length  *int            `json:"length"`
	}
	if json.Unmarshal(raw, &loose) != nil || loose.Name == nil {
		return f, false
	}
	f.Name = *loose.Name
	switch {
	case loose.Content != nil:
		f.Content = looseText(loose.Content)
	case loose.Start != nil && loose.Length != nil:
		f.Content = part(text, *loose.Start, *loose.Length)
	}
	return f, true
}

// looseText returns a text, or the JSON text of another value.
func looseText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return strings.TrimSpace(string(raw))
}

// part returns a part of a text. Positions count as in Java, in units of UTF-16.
func part(text string, start, length int) string {
	units := utf16.Encode([]rune(text))
	if start < 0 || length < 0 || start > len(units) || length > len(units)-start {
		return ""
	}
	return string(utf16.Decode(units[start : start+length]))
}

// An eventKey identifies an event by its whole content.
type eventKey [sha256.Size]byte

func keyOf(e *Event) eventKey {
	h := sha256.New()
	add := func(text string) {
		var size [8]byte
		binary.LittleEndian.PutUint64(size[:], uint64(len(text)))
		_, _ = h.Write(size[:]) // a hash returns no errors
		_, _ = io.WriteString(h, text)
	}
	add(e.Text)
	for _, f := range e.Fields {
		add(f.Name)
		add(f.Content)
	}
	return eventKey(h.Sum(nil))
}
