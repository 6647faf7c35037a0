package messaging

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// captured returns the bodies of real messages: those of the Python library, and those of a
// Keystone with OSProfiler.
func captured(t testing.TB) (bodies []string) {
	t.Helper()
	for _, file := range []string{"testdata/messages_raw.json", "testdata/messages_raw_context.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var messages []struct{ Body string }
		if err := json.Unmarshal(text, &messages); err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			bodies = append(bodies, m.Body)
		}
	}
	f, err := os.Open("testdata/18-keystone-messaging.amqp.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		bodies = append(bodies, lines.Text())
	}
	if len(bodies) < 50 {
		t.Fatalf("%d bodies", len(bodies))
	}
	return bodies
}

var (
	randomID = regexp.MustCompile(`"message_id": "[^"]*"|"_unique_id": "[^"]*"`)
	// hostOfDriver matches the host that Python's driver was given, which a notification does
	// not contain.
	hostOfDriver = regexp.MustCompile(`"publisher_id": "[^"]*"`)
)

// A body that the Python library wrote is read and written again byte for byte, except for its
// random ids and the host.
func TestBodiesOfPython(t *testing.T) {
	for _, body := range captured(t) {
		n, err := decodeBody([]byte(body))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		var message map[string]any
		if err := json.Unmarshal([]byte(body), &message); err != nil {
			t.Fatal(err)
		}
		sent, err := time.Parse("2006-01-02 15:04:05.999999", message["timestamp"].(string))
		if err != nil {
			t.Fatal(err)
		}
		m := &messages{config: newConfig(nil)}
		if user, ok := message["_context_user"].(string); ok {
			// The keys of a Python dict have an order of their own. Our keys are sorted.
			m.config = newConfig([]Option{WithContext(map[string]string{"user": user, "auth_token": "secret"})})
			body = regexp.MustCompile(`("_context_user": "[^"]*").*`).ReplaceAllString(body, "$1}")
		}
		mask := func(body string) string {
			return hostOfDriver.ReplaceAllString(randomID.ReplaceAllString(body, "ID"), "HOST")
		}
		if got := string(m.appendBody(nil, &n, sent)); mask(got) != mask(body) {
			t.Errorf("got  %s\nwant %s", got, body)
		}
	}
}

var sent = time.Date(2026, 11, 22, 7, 16, 2, 0, time.UTC)

var sample = osprofiler.Notification{
	Name: "wsgi-start", BaseID: "a0000000-0000-4000-8000-000000000001", TraceID: "a0000000-0000-4000-8000-000000000002",
	ParentID: "a0000000-0000-4000-8000-000000000001", Timestamp: "2024-05-06T07:08:09.000010",
	Info: `{"host": "h1", "n": 1.10, "a": NaN}`, Project: "nova", Service: `a"b`,
}

const samplePayload = `{"name": "wsgi-start", "base_id": "a0000000-0000-4000-8000-000000000001", "trace_id": "a0000000-0000-4000-8000-000000000002", ` +
	`"parent_id": "a0000000-0000-4000-8000-000000000001", "timestamp": "2024-05-06T07:08:09.000010", "info": {"host": "h1", "n": 1.10, "a": NaN}, ` +
	`"project": "nova", "service": "a\"b"}`

func TestBody(t *testing.T) {
	m := &messages{config: newConfig([]Option{WithContext(map[string]string{"user": "ü", "project_id": "p", "Auth_Token": "t"})})}
	want := `{"message_id": "5dcfd9c5-8a60-8db9-bd1e-0bc4f6b4f6ab", "publisher_id": "h1", "event_type": "profiler.a\"b", "priority": "INFO", "payload": ` + samplePayload +
		`, "timestamp": "2026-11-22 07:16:02", "_unique_id": "00", "_context_project_id": "p", "_context_user": "\u00fc"}`
	body := string(m.appendBody(nil, &sample, sent))
	if randomID.ReplaceAllString(body, "ID") != randomID.ReplaceAllString(want, "ID") {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	if !regexp.MustCompile(`"message_id": "[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}".*"_unique_id": "[0-9a-f]{32}"`).MatchString(body) {
		t.Errorf("the ids are %s", body)
	}
	if again := string(m.appendBody(nil, &sample, sent.Add(time.Hour))); randomID.FindString(again) != randomID.FindString(body) {
		t.Error("a notification that is written again has another id")
	}
	other := sample
	other.Name = "wsgi-stop"
	if string(randomID.Find(m.appendBody(nil, &other, sent))) == randomID.FindString(body) {
		t.Error("another notification has the same id")
	}
}

// Oslo's driver for Kafka wraps each message, and puts the context into one member.
func TestBodyOfKafka(t *testing.T) {
	m := &messages{config: newConfig([]Option{WithContext(map[string]string{"user": "u"})}), withEnvelope: true}
	body := m.appendBody(nil, &sample, sent)
	var envelope map[string]string
	if err := json.Unmarshal(body, &envelope); err != nil || envelope["oslo.version"] != "2.0" || len(envelope) != 2 {
		t.Fatalf("%s: %v", body, err)
	}
	if inner := envelope["oslo.message"]; !strings.HasSuffix(inner, `"payload": `+samplePayload+`, "timestamp": "2026-11-22 07:16:02", "_context": {"user": "u"}}`) {
		t.Errorf("got %s", inner)
	}
	if n, err := decodeBody(body); err != nil || !n.Equal(sample) {
		t.Errorf("got %+v, %v", n, err)
	}
}

func BenchmarkEncode(b *testing.B) {
	n, err := decodeBody([]byte(captured(b)[0]))
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		withEnvelope bool
	}{{"RabbitMQ", false}, {"Kafka", true}} {
		m := &messages{config: newConfig(nil), withEnvelope: c.withEnvelope}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var body []byte
			for b.Loop() {
				body = m.appendBody(body[:0], &n, sent)
			}
			b.SetBytes(int64(len(body)))
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	body := []byte(captured(b)[0])
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := decodeBody(body); err != nil {
			b.Fatal(err)
		}
	}
}
