package bridge

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/osprofiler-otel/osprofiler"
)

// KeysVariable is the environment variable with the HMAC keys, as a comma-separated list.
const KeysVariable = "OSPROFILER_HMAC_KEYS"

// DefaultKey is the key in the documentation and the packages of the Python library. It is
// publicly known.
const DefaultKey = "SECRET_KEY"

// Keys are the HMAC keys of a service. Each key verifies incoming headers. The first key signs
// the headers of traces that begin here. Keys may be used and replaced by many goroutines. A
// nil *Keys has no keys, so that no trace is trusted.
//
// To rotate keys, append the new key to the list of every service. Then make it the first key
// wherever traces begin. Remove the old key when it no longer signs any requests.
type Keys struct {
	list atomic.Pointer[[]string]

	mu     sync.Mutex
	warned []string // the warnings that were logged

	rejections rejections
}

// NewKeys returns these keys. Each argument may be a comma-separated list, as in the Python
// library's option hmac_keys. [osprofiler.ParseKeys] has the rules. An argument that is no
// list of keys (UTF-16, several lines, …) has no keys.
//
// NewKeys logs warnings through [slog], once for these Keys: about such an argument, about an
// argument without any key, and about everything that ParseKeys warns of. It also warns about
// the key SECRET_KEY, with which anybody can sign, because it is in the documentation of the
// Python library. No warning shows another key.
func NewKeys(keys ...string) *Keys {
	k := &Keys{}
	k.Replace(keys...)
	return k
}

// KeysFromEnv returns the keys in OSPROFILER_HMAC_KEYS at the time of the call.
func KeysFromEnv() *Keys { return NewKeys(os.Getenv(KeysVariable)) }

// Replace replaces the keys. Headers of traces that were already verified are still signed
// with the key that verified them.
func (k *Keys) Replace(keys ...string) {
	var list, warnings []string
	for _, text := range keys {
		parsed, parseWarnings, err := osprofiler.ParseKeys(text)
		warnings = append(warnings, parseWarnings...)
		switch {
		case err != nil:
			warnings = append(warnings, err.Error()+"; they are left out")
		case len(parsed) == 0 && text != "":
			warnings = append(warnings, "a list of HMAC keys holds no key")
		}
		list = append(list, parsed...)
	}
	if slices.Contains(list, DefaultKey) {
		warnings = append(warnings, "one of the HMAC keys is "+DefaultKey+", the default that everybody knows; "+
			"set keys of your own, or anybody can have requests traced")
	}
	k.list.Store(&list)
	k.warn(warnings)
}

// warn logs, on one line, the warnings that were not logged for these keys before.
func (k *Keys) warn(warnings []string) {
	if warnings = k.newWarnings(warnings); len(warnings) > 0 {
		slog.Warn(strings.Join(warnings, "; ")) //nolint:gosec // none shows more of the environment than the name of a setting
	}
}

// newWarnings returns the warnings that were not logged for these keys before.
func (k *Keys) newWarnings(warnings []string) (added []string) {
	if k == nil {
		return warnings
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, warning := range warnings {
		if !slices.Contains(k.warned, warning) {
			k.warned = append(k.warned, warning)
			added = append(added, warning)
		}
	}
	return added
}

// String returns the number of keys. It shows no key.
func (k *Keys) String() string {
	if n := len(k.all()); n != 1 {
		return fmt.Sprintf("%d HMAC keys", n)
	}
	return "1 HMAC key"
}

// all returns the keys in order. The caller must not change the list.
func (k *Keys) all() []string {
	if k == nil {
		return nil
	}
	if list := k.list.Load(); list != nil {
		return *list
	}
	return nil
}

// first returns the key that signs the headers of traces that begin here. It is empty if there
// are no keys.
func (k *Keys) first() string {
	if keys := k.all(); len(keys) > 0 {
		return keys[0]
	}
	return ""
}
