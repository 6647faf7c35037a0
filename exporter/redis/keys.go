package redis

import (
	"fmt"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// The prefixes of keys, as Python's driver names the keys.
const (
	// listPrefix + base id is a list: the notifications of a trace as JSON, the
	// newest first.
	listPrefix = "osprofiler_opt:"
	// errorPrefix + base id is a string: a JSON object with base_id and
	// timestamp of the failure that was written last.
	errorPrefix = "osprofiler_error:"
	// legacyPrefix + base id + "_" + trace id + "_" + timestamp is a string: one
	// notification as JSON, as releases before the lists wrote it.
	legacyPrefix = "osprofiler:"
	// anyPrefix begins both listPrefix and legacyPrefix.
	anyPrefix = "osprofiler"
)

// patternCharacters escapes the characters that have a meaning in SCAN's patterns.
var patternCharacters = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `^`, `\^`, `-`, `\-`)

// startingWith returns the pattern of the keys that start with the text.
func startingWith(text string) string { return patternCharacters.Replace(text) + "*" }

// errorRecord returns the value of an error key.
func errorRecord(n *osprofiler.Notification) []byte {
	dst := pyjson.AppendString([]byte(`{"base_id": `), n.BaseID)
	dst = pyjson.AppendString(append(dst, `, "timestamp": `...), n.Timestamp)
	return append(dst, '}')
}

// parseEntry parses an entry of a trace's list. number is the number of the
// entry, counted from the oldest entry, which is 1.
func parseEntry(key, text string, number int64) (osprofiler.Notification, error) {
	n, err := osprofiler.ParseNotification(text)
	if id := key[len(listPrefix):]; err == nil && n.BaseID != id && driver.Text(n.BaseID) != id {
		err = fmt.Errorf("it belongs to the trace %q, which has another key", n.BaseID)
	}
	if err != nil {
		return n, &store.DamageError{Entry: fmt.Sprintf("entry %d of the list %q", -number, key), InTrace: true, BaseID: key[len(listPrefix):], Reason: err}
	}
	return n, nil
}

// parseLegacy parses the value of a legacy key.
func parseLegacy(key, text string) (osprofiler.Notification, error) {
	n, err := osprofiler.ParseNotification(text)
	if err == nil && !strings.HasPrefix(key[len(legacyPrefix):], driver.Text(n.BaseID)+"_") {
		err = fmt.Errorf("it belongs to the trace %q, which has other keys", n.BaseID)
	}
	if err != nil {
		return n, damagedKey(key, err)
	}
	return n, nil
}

func damagedKey(key string, err error) error {
	baseID, inTrace := strings.CutPrefix(key, listPrefix)
	if !inTrace {
		baseID = "" // a legacy key does not show where the base id ends
	}
	return &store.DamageError{Entry: fmt.Sprintf("the key %q", key), InTrace: inTrace, BaseID: baseID, Reason: err}
}
