package bridge

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/osprofiler-otel/osprofiler"
)

// KeysVariable is the environment variable that holds the HMAC keys, a comma
// list.
const KeysVariable = "OSPROFILER_HMAC_KEYS"

// DefaultKey is the one that upstream's documentation and packages set up, so
// that everybody knows it.
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
	warn sync.Once
}

// NewKeys returns these keys. Each may be a comma list, as in upstream's
// option hmac_keys; blanks around them and empty ones are dropped.
//
// Anybody can sign with the key SECRET_KEY, which upstream's documentation
// sets up; it draws one warning through [slog].
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
	list := osprofiler.SplitKeys(strings.Join(keys, ","))
	for _, key := range list {
		if key == DefaultKey {
			k.warn.Do(func() {
				slog.Warn("one of the HMAC keys is " + DefaultKey + ", the default that everybody knows; " +
					"set keys of your own, or anybody can have requests traced")
			})
		}
	}
	k.list.Store(&list)
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
