package bridge_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
)

// logged collects the output of slog while the test runs.
func logged(t *testing.T) *bytes.Buffer {
	t.Helper()
	log, was := &bytes.Buffer{}, slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(func() { slog.SetDefault(was) })
	return log
}

// Odd lists of keys, from an argument or the environment, have the obvious meaning or no keys.
// They log one line, however often they are set, and the line shows no key.
func TestOddKeysDrawOneWarning(t *testing.T) {
	for list, c := range map[string]struct {
		keys string
		want string
	}{
		"s3cr3t,other":                      {"2 HMAC keys", ""},
		"s3cr3t\r\n":                        {"1 HMAC key", ""},
		"\uFEFFs3cr3t":                      {"1 HMAC key", "byte order mark"},
		"s3cr3t,,other":                     {"2 HMAC keys", "empty member"},
		strings.Repeat(" \t", 2):            {"0 HMAC keys", "holds no key"},
		",":                                 {"0 HMAC keys", "holds no key"},
		`""`:                                {"0 HMAC keys", "holds no key"},
		`"s3cr3t"`:                          {"1 HMAC key", "quotation marks"},
		"s3cr3t\nother":                     {"0 HMAC keys", "line break"},
		"OSPROFILER_HMAC_KEYS=s3cr3t":       {"0 HMAC keys", "equals sign"},
		"\xFF\xFEs\x003\x00":                {"0 HMAC keys", "UTF-16"},
		"s3cr3t\xE9":                        {"0 HMAC keys", "no UTF-8"},
		"\uFEFF\u200B":                      {"0 HMAC keys", "invisible"},
		strings.Repeat("s3cr3t ", 1000)[1:]: {"1 HMAC key", ""},
	} {
		log := logged(t)
		keys := bridge.NewKeys(list)
		keys.Replace("", list)
		keys.Replace(list)
		again := bridge.NewKeys
		if !strings.Contains(list, "\x00") { // no variable can hold a NUL
			t.Setenv(bridge.KeysVariable, list)
			again = func(...string) *bridge.Keys { return bridge.KeysFromEnv() }
		}
		if got := again(list).String(); got != keys.String() {
			t.Errorf("%.60q: %s from the environment, %s from an argument", list, got, keys)
		}
		lines := strings.Count(log.String(), "level=WARN")
		if c.want == "" && lines != 0 || c.want != "" && lines != 2 || !strings.Contains(log.String(), c.want) || strings.Contains(log.String(), "s3cr3t") {
			t.Errorf("%.60q: %s", list, log)
		}
		if keys.String() != c.keys {
			t.Errorf("%.60q: %s, want %s", list, keys, c.keys)
		}
	}
}

// A service without keys gets one warning, however many propagators it makes.
func TestNoKeysDrawOneWarning(t *testing.T) {
	log := logged(t)
	keys := bridge.NewKeys()
	for range 3 {
		bridge.NewPropagators(keys)
	}
	if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, bridge.KeysVariable) {
		t.Error(got)
	}
	bridge.NewPropagator(nil)
	if got := log.String(); strings.Count(got, "level=WARN") != 2 {
		t.Error(got)
	}
}

// Neither the empty key nor a key with the same HMAC is ever trusted, whatever the keys of the
// middleware.
func TestTheEmptyKeyIsNeverTrusted(t *testing.T) {
	logged(t)
	for _, list := range []string{"", " ", ",", "k,,", "\uFEFF", `""`, "\u200B", "\x01", "k, "} {
		service := newGoService(t, bridge.NewKeys(list))
		for _, key := range []string{"", "\x00", " ", `""`, "\uFEFF", "\u200B"} {
			info, _ := theInfo.Pack("k")
			headers := map[string]string{osprofiler.HeaderTraceInfo: info, osprofiler.HeaderTraceHMAC: macOf(info, key)}
			if got := get(t, http.DefaultClient, service.url+target, headers); got.Traced || len(got.Sends) != 0 {
				t.Errorf("keys %q trust %q: %+v", list, key, got)
			}
		}
		service.flush()
		if ids := traces(t, service.store); len(ids) != 0 {
			t.Errorf("keys %q: %q", list, ids)
		}
	}
}

// A list of keys has the same meaning as in the Python library's middleware, with two
// exceptions: a byte order mark is not part of a key, and keys of only blanks or quotation
// marks are dropped.
func TestKeysAsInPython(t *testing.T) {
	logged(t)
	python := pythonService(t, "python-api", filepath.Join(t.TempDir(), "lines"))
	for list, signers := range map[string][]string{
		" k1 , k2\t":      {"k1", "k2", " k1 ", "", "k"},
		"k1,,k2":          {"k1", "k2", ""},
		"k1,\r\n  k2\r\n": {"k1", "k2"},
		",":               {"", ","},
		" ":               {"", " "},
		"a b":             {"a b", "a", "b"},
		`"k"`:             {`"k"`, "k"},
		`'k1,k2'`:         {"'k1", "k2'", "k1", "k2", "'k1,k2'"},
		"\x1ck\x1f":       {"k", "\x1ck\x1f"},
		"\u00A0kéy\u3000": {"kéy", "\u00A0kéy\u3000"},
		"k\u200B":         {"k\u200B", "k"},
	} {
		ours := newGoService(t, bridge.NewKeys(list))
		for _, key := range signers {
			info, _ := theInfo.Pack("k")
			headers := map[string]string{osprofiler.HeaderTraceInfo: info, osprofiler.HeaderTraceHMAC: macOf(info, key)}
			want := get(t, http.DefaultClient, at(python, "/x", "keys", list), headers)
			got := get(t, http.DefaultClient, ours.url+target, headers)
			if got.Traced != want.Traced {
				t.Errorf("keys %q, signed with %q: traced is %v in Python, %v here", list, key, want.Traced, got.Traced)
			}
			if got.Traced && get(t, http.DefaultClient, at(python, "/x", "keys", list), got.Sends).Traced != want.Traced {
				t.Errorf("keys %q: Python does not take what we sign with %q", list, key)
			}
		}
	}
}
