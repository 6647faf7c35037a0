package main

import (
	"strings"
	"testing"
)

func TestJoinErrorTrace(t *testing.T) {
	tests := []struct{ args, want string }{
		{"trace list --error-trace", "trace list --error-trace"},
		{"trace list --error-trace True", "trace list --error-trace=True"},
		{"trace list --error-trace False --json", "trace list --error-trace=False --json"},
		{"trace list --error-trace --json", "trace list --error-trace --json"},
		{"trace list --error-trace=True", "trace list --error-trace=True"},
		{"trace list -- --error-trace True", "trace list -- --error-trace True"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := strings.Join(joinErrorTrace(strings.Fields(tt.args)), " "); got != tt.want {
			t.Errorf("joinErrorTrace(%s) = %s; want %s", tt.args, got, tt.want)
		}
	}
}

func TestErrorTraceSet(t *testing.T) {
	tests := []struct {
		text       string
		on, python bool
		refused    bool
	}{
		{text: "True", on: true, python: true},
		{text: "true", on: true, python: true},
		{text: "1", on: true, python: true},
		{text: "False", python: true},
		{text: "0", python: true},
		{text: ""},
		{text: "maybe", refused: true},
	}
	for _, tt := range tests {
		var e errorTrace
		err := e.Set(tt.text)
		if (err != nil) != tt.refused {
			t.Errorf("%q: error %v, refused should be %v", tt.text, err, tt.refused)
		}
		if !tt.refused && (e.on != tt.on || e.python() != tt.python) {
			t.Errorf("%q: on %v, python %v; want %v, %v", tt.text, e.on, e.python(), tt.on, tt.python)
		}
	}
}
