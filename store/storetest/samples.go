package storetest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

//go:embed testdata/trace-a.json
var traceAText string

//go:embed testdata/payload-shapes.json
var payloadShapesText string

// traceA returns the eight notifications of a recorded run of the Python library, as its
// drivers store them. Each call has a base id of its own.
func traceA() ([]osprofiler.Notification, error) {
	list, _ := pyjson.Get(strings.ReplaceAll(strings.TrimSpace(traceAText), "\n", " "), "notifications")
	id := osprofiler.NewID()
	var batch []osprofiler.Notification
	for raw := range pyjson.Elements(list) {
		raw = strings.ReplaceAll(raw, "a0000000-0000-4000-8000-000000000001", id)
		raw = strings.TrimSuffix(strings.TrimSpace(raw), "}") + `, "project": "nova", "service": "api"}`
		n, err := osprofiler.ParseNotification(raw)
		if err != nil {
			return nil, err
		}
		batch = append(batch, n)
	}
	if len(batch) != 8 {
		return nil, fmt.Errorf("trace-a.json should hold 8 notifications, not %d", len(batch))
	}
	return batch, nil
}

// shapes returns one trace with every info of payload-shapes.json.
func shapes() ([]osprofiler.Notification, error) {
	var groups map[string]json.RawMessage
	if err := json.Unmarshal([]byte(payloadShapesText), &groups); err != nil {
		return nil, err
	}
	batch := trace(0)
	for key, group := range groups {
		for raw := range pyjson.Elements(string(group)) {
			name, _ := pyjson.Get(raw, "name")
			info, _ := pyjson.Get(raw, "info")
			n := event(baseID(batch), len(batch))
			n.Name, _ = pyjson.Text(name)
			n.Info = osprofiler.Info(pyjson.Compact.Append(nil, info))
			batch = append(batch, n)
		}
		if key != "note" && len(batch) == 0 {
			return nil, fmt.Errorf("payload-shapes.json holds nothing under %q", key)
		}
	}
	return batch, nil
}

// epoch is the time of the suite's notifications.
var epoch = time.Date(2024, 5, 6, 7, 8, 9, 10_000, time.UTC)

// trace returns a new trace of an operation, with all events the given minutes later than
// epoch.
func trace(minutes int) []osprofiler.Notification {
	id := osprofiler.NewID()
	start, stop := event(id, 0), event(id, 1)
	start.Name, stop.Name, stop.TraceID = "wsgi-start", "wsgi-stop", start.TraceID
	for _, n := range []*osprofiler.Notification{&start, &stop} {
		at, _ := n.Time()
		n.Timestamp = osprofiler.FormatTime(at.Add(time.Duration(minutes) * time.Minute))
	}
	return []osprofiler.Notification{start, stop}
}

// event returns an event of the trace, i milliseconds after epoch.
func event(id string, i int) osprofiler.Notification {
	return osprofiler.Notification{
		Name: fmt.Sprintf("step-%d-start", i), BaseID: id, TraceID: osprofiler.NewID(), ParentID: id,
		Timestamp: osprofiler.FormatTime(epoch.Add(time.Duration(i) * time.Millisecond)),
		Info:      `{"host": "host-1"}`, Project: "nova", Service: "api",
	}
}

// events returns a new trace of count events.
func events(count int) []osprofiler.Notification {
	id := osprofiler.NewID()
	batch := make([]osprofiler.Notification, count)
	for i := range batch {
		batch[i] = event(id, i)
	}
	return batch
}

func baseID(batch []osprofiler.Notification) string { return batch[0].BaseID }

// parseAll parses notifications. BASE in them is replaced by a new base id, and # by a number
// that differs from text to text.
func parseAll(texts ...string) ([]osprofiler.Notification, error) {
	id := osprofiler.NewID()
	var batch []osprofiler.Notification
	for i, text := range texts {
		text = strings.NewReplacer("BASE", id, "#", fmt.Sprint(i+1)).Replace(text)
		n, err := osprofiler.ParseNotification(text)
		if err != nil {
			return nil, fmt.Errorf("sample %s: %w", abbreviate(text), err)
		}
		batch = append(batch, n)
	}
	return batch, nil
}

// withInfos parses one notification for each info text.
func withInfos(infos ...string) ([]osprofiler.Notification, error) {
	texts := make([]string, len(infos))
	for i, info := range infos {
		texts[i] = `{"name": "x-#-start", "base_id": "BASE", "trace_id": "T#", "parent_id": "BASE", ` +
			`"timestamp": "2024-05-06T07:08:09.000010", "info": ` + strings.ReplaceAll(info, "#", "number") + `, "project": "p", "service": "s"}`
	}
	return parseAll(texts...)
}

func abbreviate(text string) string {
	const most = 300
	if len(text) > most {
		return text[:most] + fmt.Sprintf("… (%d bytes)", len(text))
	}
	return text
}

// texts describes notifications for an error message.
func texts(batch []osprofiler.Notification) string {
	var b strings.Builder
	for i, n := range batch {
		if i == 5 {
			fmt.Fprintf(&b, "\n  … and %d more", len(batch)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %s", abbreviate(n.JSON()))
	}
	return b.String()
}

// sameSet compares notifications as JSON values, in any order. The error is a *repeatedError
// if a wanted notification came too often.
func sameSet(got, want []osprofiler.Notification) error {
	came := newPool(got)
	var missing []osprofiler.Notification
	for _, n := range want {
		if !came.take(n) {
			missing = append(missing, n)
		}
	}
	left := came.left()
	var err error
	switch {
	case len(missing) > 0:
		err = fmt.Errorf("%d of %d notifications did not come back:%s\ninstead came %d others:%s",
			len(missing), len(want), texts(missing), len(left), texts(left))
	case len(left) > 0:
		err = fmt.Errorf("%d notifications came that should not:%s", len(left), texts(left))
	}
	if wanted := newPool(want); slices.ContainsFunc(left, wanted.take) {
		err = &repeatedError{err}
	}
	return err
}

// A repeatedError means that a notification came too often.
type repeatedError struct{ error }

func (e *repeatedError) Unwrap() error { return e.error }
