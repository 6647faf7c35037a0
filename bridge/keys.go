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

// KeysVariable is the environment variable that holds the HMAC keys, a comma
// list.
const KeysVariable = "OSPROFILER_HMAC_KEYS"

// DefaultKey is the key that the Python library's documentation and packages
// set up. Everybody knows it.
const DefaultKey = "SECRET_KEY"

// Keys are the HMAC keys of a service: any of them verifies what comes in, the
// first signs what starts here. They may be used and replaced by many
// goroutines at once. A nil *Keys has no keys: nothing is ever trusted.
//
// For a rotation, first append the new key to the list of every service, then
// make it the first wherever traces start, and drop the old one when no request
// is signed with it any more.
type Keys struct {
	list atomic.Pointer[[]string]

	mu     sync.Mutex
	warned []string // the warnings so far
}

// NewKeys returns these keys. Each argument may be a comma list, as in the
// Python library's option hmac_keys; [osprofiler.ParseKeys] has the rules. An
// argument that is no list of keys (UTF-16, several lines, …) gives none.
//
// Such an argument draws a warning through [slog], once for these Keys. So do
// an argument without any key, whatever else ParseKeys warns of, and the key
// SECRET_KEY, with which anybody can sign because the documentation of the
// Python library sets it up. No warning shows another key.
func NewKeys(keys ...string) *Keys {
	k := &Keys{}
	k.Replace(keys...)
	return k
}

// KeysFromEnv returns the keys that OSPROFILER_HMAC_KEYS lists at the time of
// the call.
func KeysFromEnv() *Keys { return NewKeys(os.Getenv(KeysVariable)) }

// Replace sets other keys from now on. Requests under way go on being signed
// with the key that verified them.
func (k *Keys) Replace(keys ...string) {
	var list, warnings []string
	for _, text := range keys {
		some, odd, err := osprofiler.ParseKeys(text)
		warnings = append(warnings, odd...)
		switch {
		case err != nil:
			warnings = append(warnings, err.Error()+"; they are left out")
		case len(some) == 0 && text != "":
			warnings = append(warnings, "a list of HMAC keys holds no key")
		}
		list = append(list, some...)
	}
	if slices.Contains(list, DefaultKey) {
		warnings = append(warnings, "one of the HMAC keys is "+DefaultKey+", the default that everybody knows; "+
			"set keys of your own, or anybody can have requests traced")
	}
	k.list.Store(&list)
	k.warn(warnings)
}

// warn gives those warnings that these keys have not drawn before, on one line.
func (k *Keys) warn(warnings []string) {
	if warnings = k.newWarnings(warnings); len(warnings) > 0 {
		slog.Warn(strings.Join(warnings, "; ")) //nolint:gosec // none shows more of the environment than the name of a setting
	}
}

// newWarnings returns the warnings that these keys have not drawn before.
func (k *Keys) newWarnings(warnings []string) (drawn []string) {
	if k == nil {
		return warnings
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, warning := range warnings {
		if !slices.Contains(k.warned, warning) {
			k.warned = append(k.warned, warning)
			drawn = append(drawn, warning)
		}
	}
	return drawn
}

// String tells how many keys there are, and none of them.
func (k *Keys) String() string {
	if n := len(k.all()); n != 1 {
		return fmt.Sprintf("%d HMAC keys", n)
	}
	return "1 HMAC key"
}

// all returns the keys in order; the list is not to be changed.
func (k *Keys) all() []string {
	if k == nil {
		return nil
	}
	if list := k.list.Load(); list != nil {
		return *list
	}
	return nil
}

// first returns the key that signs what starts here, empty if there is none.
func (k *Keys) first() string {
	if keys := k.all(); len(keys) > 0 {
		return keys[0]
	}
	return ""
}
