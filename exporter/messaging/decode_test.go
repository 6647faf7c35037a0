package messaging

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
)

func envelope(version, inner string) string {
	text, err := json.Marshal(map[string]string{"oslo.version": version, "oslo.message": inner})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestDecode(t *testing.T) {
	const payload = `"payload": ` + samplePayload
	for _, body := range []string{
		`{` + payload + `}`,
		`{` + payload + `, "priority": "info"}`,
		` {"event_type": "profiler.", "priority": "INFO", ` + payload + `, "x": [1]} `,
		`{"payload": {}, ` + payload + `}`,
		envelope("2.0", `{`+payload+`}`),
		envelope("2.0.1", `{`+payload+`}`),
	} {
		n, err := decodeBody([]byte(body))
		if err != nil || n.JSON() != samplePayload {
			t.Errorf("%s: got %s, %v", body, n.JSON(), err)
		}
	}
}

func TestDecodeOthers(t *testing.T) {
	const payload = `"payload": ` + samplePayload
	for body, want := range map[string]string{
		``:                                       "it is not JSON",
		`{`:                                      "it is not JSON",
		"\xff":                                   "it is not JSON",
		`{} {}`:                                  "it is not JSON",
		`[1]`:                                    "it is no JSON object",
		`{}`:                                     "it has no payload",
		`{"payload": 1}`:                         "it has no payload",
		`{"payload": {"base_id": "b"}}`:          "its payload is no notification",
		`{"payload": {"name": "n"}}`:             "its payload is no notification",
		`{"priority": "ERROR", ` + payload + `}`: `its priority is "ERROR", not "INFO"`,
		`{"priority": 1, ` + payload + `}`:       `its priority is 1, not "INFO"`,
		`{"event_type": "compute.instance.create.end", ` + payload + `}`:       `its event type is "compute.instance.create.end", not "profiler.<service>"`,
		`{"event_type": "` + strings.Repeat("x", 1000) + `", ` + payload + `}`: "x…, not",
		envelope("2.1", `{`+payload+`}`):                                       `the version "2.1" of its envelope is not 2.0`,
		envelope("2.0", `{`):                                                   "the message in its envelope is not JSON",
		envelope("2.0", `[]`):                                                  "it is no JSON object",
		`{"oslo.version": "2.0", "oslo.message": {}}`:                          "its envelope has no message",
	} {
		if _, err := decodeBody([]byte(body)); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 300 {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

func TestContentType(t *testing.T) {
	body := []byte(`{"payload": ` + samplePayload + `}`)
	for contentType, want := range map[string]string{
		"application/json":                "<nil>",
		"Application/JSON; charset=utf-8": "<nil>",
		"":                                "it has no content type",
		"text/plain":                      `its content type is "text/plain", not "application/json"`,
	} {
		m, _ := onFake()
		if _, err := m.decode(&bus.Message{Body: body, ContentType: contentType}); fmt.Sprint(err) != want {
			t.Errorf("%q: got %v", contentType, err)
		}
		m.withEnvelope = true
		if _, err := m.decode(&bus.Message{Body: body, ContentType: contentType}); err != nil {
			t.Errorf("%q on Kafka: %v", contentType, err)
		}
	}
}

// FuzzDecode checks that every notification that can be decoded can be written and read again.
func FuzzDecode(f *testing.F) {
	for _, body := range captured(f)[:6] {
		f.Add([]byte(body))
	}
	f.Add([]byte(envelope("2.0", `{"payload": `+samplePayload+`}`)))
	f.Add([]byte(`{"payload": {"name": 1, "base_id": "\ud800", "info": {"a": 1e999}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := decodeBody(body)
		if err != nil {
			return
		}
		if n.Info.Validate() != nil {
			t.Skip() // the Store refuses to write it
		}
		for _, withEnvelope := range []bool{false, true} {
			m := &messages{config: newConfig(nil), withEnvelope: withEnvelope}
			again, err := decodeBody(m.appendBody(nil, &n, sent))
			if err != nil || !again.Equal(n) {
				t.Errorf("%q: got %+v, %v; want %+v", body, again, err, n)
			}
		}
	})
}
