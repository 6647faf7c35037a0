package osloconfig

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// Each option has the deprecated names that the real oslo.messaging has for it. Its value
// is the same as with oslo.messaging, regardless of the names and files that set it.
func TestDeprecatedAgainstOsloMessaging(t *testing.T) {
	python := testenv.Python(t)
	options := [][2]string{{groupNotifications, "transport_url"}}
	for _, name := range rabbitOptions {
		options = append(options, [2]string{groupRabbit, name})
	}
	for _, name := range kafkaOptions {
		options = append(options, [2]string{groupKafka, name})
	}
	input, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "testdata/oslo_deprecated.py")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	var answers [][3]json.RawMessage
	if err := json.Unmarshal(output, &answers); err != nil || len(answers) != len(options) {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	found := 0
	for i, option := range options {
		found += compareDeprecated(t, option, answers[i])
	}
	if found != len(deprecated) {
		t.Errorf("%d options of oslo.messaging have deprecated names; we have %d", found, len(deprecated))
	}
}

// compareDeprecated returns 1 if the option has deprecated names in oslo.messaging.
func compareDeprecated(t *testing.T, option [2]string, answer [3]json.RawMessage) int {
	t.Helper()
	var names [][2]string
	var cases [][]string
	var values []string
	for i, into := range []any{&names, &cases, &values} {
		if err := json.Unmarshal(answer[i], into); err != nil {
			t.Fatal(err)
		}
	}
	ours := [][2]string{}
	for _, n := range deprecated[reference{option[0], option[1]}] {
		ours = append(ours, [2]string{n.section, n.option})
	}
	if diff := cmp.Diff(names, ours); diff != "" {
		t.Errorf("the deprecated names of %q (-oslo.messaging +ours):\n%s", option, diff)
	}
	for i, texts := range cases {
		if got, ok, err := load(t, texts...).Value(option[0], option[1]); got != values[i] || !ok || err != nil {
			t.Errorf("%q in %q is %q, %v; want %q", option, texts, got, err, values[i])
		}
	}
	return min(len(names), 1)
}
