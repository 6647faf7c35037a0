package otlppb

import "testing"

func TestCamelCase(t *testing.T) {
	for name, want := range map[string]string{
		"name": "name", "trace_id": "traceId", "start_time_unix_nano": "startTimeUnixNano", "traceId": "traceId",
		"": "", "_": "_", "trace_": "trace_", "_trace": "_trace", "trace__id": "trace__id", "traceId_x": "traceId_x", "trace_1": "trace_1",
	} {
		if got := camelCase(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
