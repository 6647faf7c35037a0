package redis

import (
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store"
)

// The keys, as upstream's driver names them.
const (
	// listPrefix + base id is a list: a trace's notifications as JSON, the
	// newest first.
	listPrefix = "osprofiler_opt:"
	// errorPrefix + base id is a string: a JSON object with base_id and
	// timestamp of the failure that was written last.
	errorPrefix = "osprofiler_error:"
	// legacyPrefix + base id + "_" + trace id + "_" + timestamp is a string:
	// one notification as JSON, as releases before the lists wrote it.
	legacyPrefix = "osprofiler:"
)

// globbing is what SCAN's patterns give a meaning.
var globbing = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `^`, `\^`, `-`, `\-`)

// startingWith returns the pattern of the keys that start with the text.
func startingWith(text string) string { return globbing.Replace(text) + "*" }

// errorRecord is the value of an error key.
func errorRecord(n *osprofiler.Notification) []byte {
	dst := pyjson.AppendString([]byte(`{"base_id": `), n.BaseID)
	dst = pyjson.AppendString(append(dst, `, "timestamp": `...), n.Timestamp)
	return append(dst, '}')
}

// listEntry parses an entry of a trace's list.
func listEntry(key, text string, index int64) (osprofiler.Notification, error) {
	n, err := osprofiler.ParseNotification(text)
	if err == nil && backend.Text(n.BaseID) != key[len(listPrefix):] {
		err = fmt.Errorf("it belongs to the trace %q, whose key is another", n.BaseID)
	}
	if err != nil {
		return n, &store.Damage{Place: fmt.Sprintf("entry %d of the list %q", index, key), Reason: err}
	}
	return n, nil
}

// legacyEntry parses the value of a legacy key.
func legacyEntry(key, text string) (osprofiler.Notification, error) {
	n, err := osprofiler.ParseNotification(text)
	if err == nil && !strings.HasPrefix(key[len(legacyPrefix):], backend.Text(n.BaseID)+"_") {
		err = fmt.Errorf("it belongs to the trace %q, whose keys are others", n.BaseID)
	}
	if err != nil {
		return n, damagedKey(key, err)
	}
	return n, nil
}

func damagedKey(key string, err error) error {
	return &store.Damage{Place: fmt.Sprintf("the key %q", key), Reason: err}
}
