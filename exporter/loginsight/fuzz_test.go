package loginsight

import (
	"strings"
	"testing"
)

// An answer with more events than were asked for does not fill the memory.
func TestResultIsBounded(t *testing.T) {
	text := `{"events": [` + strings.Repeat(`{"text": "a"}, `, 100_000) + `{}], "complete": false}`
	result, err := readResult(strings.NewReader(text), 7)
	if err != nil || len(result.Events) != 7 || cap(result.Events) > 100 || result.Complete || result.Events[6].Text != "a" {
		t.Errorf("%d events, %v", len(result.Events), err)
	}
}

// Reading an answer neither panics nor makes a notification that cannot be written again,
// whatever the server answers.
func FuzzReadResult(f *testing.F) {
	for _, text := range []string{
		`{"complete": true, "duration": 12, "events": [{"text": "OSProfiler trace", "timestamp": 1459458445942, "fields": [{"name": "base_id", "content": "b"}, {"name": "trace", "content": "{\"base_id\": \"b\", \"info\": {}}"}]}]}`,
		`{"complete": false, "warnings": [{"id": 128, "details": "TIMEOUT", "progress": 0.5}], "events": null}`,
		`{"events": [{"text": "aż😀b", "fields": [{"name": "x", "startPosition": 1, "length": 3}, {"name": "trace", "startPosition": -1, "length": 99}]}, 5, null, []]}`,
		`{"events": [{"text": 5, "timestamp": "x", "fields": {"trace": 1}}, {"fields": [null, {"name": null}, {"name": "trace", "content": {"base_id": 5}}]}]}`,
		`{"events": [{"fields": [{"name": "base_id"}, {"name": "trace", "content": "{\"osp_original\": {\"sha256\": \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", \"bytes\": 12001}}"}]}]}`,
		`{"events": [{"fields": [{"name": "osp_part", "content": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}, {"name": "osp_number", "content": "1"}, {"name": "osp_content", "content": "AAAA"}]}]}`,
		`{}`, `[]`, `null`, `{"events": {}}`, `{"complete": "yes", "events": []}`, `{"events": [`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		result, err := readResult(strings.NewReader(text), 10)
		if err != nil {
			return
		}
		all := collection{}
		for i := range result.Events {
			e := &result.Events[i]
			_ = keyOf(e)
			n, ok, err := decode(e, "b")
			if !ok || err != nil {
				all.add(e)
				continue
			}
			if n.original != nil {
				all[n.original.digest] = &parts{original: *n.original}
				continue
			}
			if n.Validate() != nil {
				continue // an info that is no object
			}
			again, ok, err := decode(&Event{Text: eventText, Fields: []Field{{traceField, string(appendTrace(nil, &n.Notification))}}}, "")
			if !ok || err != nil || !again.Equal(n.Notification) {
				t.Errorf("%s came back as %s, %v", n.JSON(), again.JSON(), err)
			}
		}
		for _, p := range all {
			_, _ = p.notification() // it reports what is missing
		}
	})
}
