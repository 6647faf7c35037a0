package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// signedFor verifies and unpacks the two lines that osp headers writes.
func signedFor(t *testing.T, stdout, key string) osprofiler.TraceInfo {
	t.Helper()
	lines := strings.Split(stdout, "\n")
	if len(lines) != 3 || lines[2] != "" {
		t.Fatalf("want two lines, got %q", stdout)
	}
	info, hasInfo := strings.CutPrefix(lines[0], "X-Trace-Info: ")
	mac, hasMAC := strings.CutPrefix(lines[1], "X-Trace-HMAC: ")
	told, _, err := osprofiler.UnpackTraceInfo(info, mac, []string{key})
	if !hasInfo || !hasMAC || err != nil {
		t.Fatalf("%q with key %q: %v", stdout, key, err)
	}
	return told
}

func TestHeaders(t *testing.T) {
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "keys")
	if err := os.WriteFile(keyFile, []byte(" from-file , other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{bridge.KeysVariable + "=from-env,other"}
	for _, c := range []struct {
		name, key, baseID string
		env, args         []string
	}{
		{"the environment", "from-env", "", env, nil},
		{"a file wins", "from-file", "", env, []string{"--hmac-key-file", keyFile}},
		{"an argument wins", "from-arg", "", env, []string{"--hmac-key", "from-arg,other"}},
		{"an id", "k", "BD1F8A52-6C3E-4F5F-9C0A-3C9C6D2E1A01", nil, []string{"--base-id", "BD1F8A52-6C3E-4F5F-9C0A-3C9C6D2E1A01", "--hmac-key", "k"}},
		{"an id of any text", "k", "Zoë's 100 %", nil, []string{"--base-id=Zoë's 100 %", "--hmac-key=k"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runCommand(t, dir, c.env, append([]string{ospBinary, "headers"}, c.args...)...)
			told, id := signedFor(t, r.stdout, c.key), strings.TrimSuffix(r.stderr, "\n")
			if r.code != exitDone || told.BaseID != id || told.ParentID != id || c.baseID != "" && c.baseID != id {
				t.Errorf("%+v: %+v", r, told)
			}
			if u, ok := osprofiler.ParseUUID(id); c.baseID == "" && (!ok || u.String() != id) {
				t.Errorf("%q is no new id", id)
			}
		})
	}
}

func TestHeadersWithoutAKey(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte(" ,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "no HMAC key: give --hmac-key-file", nil},
		{exitUsage, "--hmac-key contains no HMAC key", []string{"--hmac-key", " , "}},
		{exitUsage, "contains no HMAC key", []string{"--hmac-key-file", empty}},
		{exitFailed, "cannot read the file", []string{"--hmac-key-file", filepath.Join(dir, "none")}},
		{exitUsage, "hmac-key", []string{"--hmac-key", "top-secret", "--hmac-key-file", empty}},
		{exitUsage, "--base-id is empty", []string{"--hmac-key", "top-secret", "--base-id", ""}},
		{exitUsage, `--base-id "a\xff" should be valid UTF-8`, []string{"--hmac-key", "top-secret", "--base-id", "a\xff"}},
		{exitUsage, "too many for a header", []string{"--hmac-key", "top-secret", "--base-id", strings.Repeat("x", 4000)}},
		{exitUsage, "takes no arguments", []string{"--hmac-key", "top-secret", "extra"}},
	} {
		r := runCommand(t, dir, []string{bridge.KeysVariable + "="}, append([]string{ospBinary, "headers"}, c.args...)...)
		if r.code != c.code || r.stdout != "" || !strings.Contains(r.stderr, c.want) || strings.Contains(r.stderr, "top-secret") {
			t.Errorf("%q: %+v", c.args, r)
		}
	}
}

// Key files may have forms that editors and operators produce. osp reads each form in
// the obvious way, with a warning, or refuses it with an error that shows no key.
func TestHeadersOfOddKeys(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, text string
		code       int
		key, want  string // want on stderr
	}{
		{"a line's end of Windows", "s3cr3t\r\n", exitDone, "s3cr3t", ""},
		{"blanks around", " \t s3cr3t \n\n", exitDone, "s3cr3t", ""},
		{"a byte order mark", "\xEF\xBB\xBFs3cr3t\r\n", exitDone, "s3cr3t", "warning: FROM: a byte order mark"},
		{"an empty member", ",,s3cr3t,k2\n", exitDone, "s3cr3t", "warning: FROM: the list of HMAC keys has an empty member"},
		{"quotation marks", "\"s3cr3t\"\n", exitDone, "\"s3cr3t\"", "warning: FROM: quotation marks"},
		{"UTF-16", "\xFF\xFEs\x003\x00\r\x00\n\x00", exitUsage, "", "FROM: the HMAC keys are UTF-16 (little-endian)"},
		{"UTF-16, the other way", "\xFE\xFF\x00s\x003", exitUsage, "", "FROM: the HMAC keys are UTF-16 (big-endian)"},
		{"UTF-16 without its mark", "s\x003\x00", exitUsage, "", "FROM: the HMAC keys are UTF-16 (little-endian, without"},
		{"another encoding", "s3cr3t\xE9\n", exitUsage, "", "FROM: the HMAC keys are no UTF-8 text"},
		{"a NUL", "s3cr3t\x00\n", exitUsage, "", "FROM: the HMAC keys hold a NUL"},
		{"two lines", "s3cr3t\nk2\n", exitUsage, "", "FROM: a line break stands inside"},
		{"a line of settings", "OSPROFILER_HMAC_KEYS=s3cr3t\n", exitUsage, "", "FROM: the HMAC keys begin with"},
		{"nothing", "", exitUsage, "", "FROM contains no HMAC key"},
		{"a byte order mark alone", "\xEF\xBB\xBF", exitUsage, "", "FROM contains no HMAC key"},
		{"blanks alone", " \r\n", exitUsage, "", "FROM contains no HMAC key"},
		{"quotation marks alone", "\"\"\n", exitUsage, "", "FROM contains no HMAC key"},
		{"commas alone", ",,\n", exitUsage, "", "FROM contains no HMAC key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(dir, "keys")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			checkOddKey(t, runCommand(t, dir, nil, ospBinary, "headers", "--hmac-key-file", file), c.code, c.key, strings.ReplaceAll(c.want, "FROM", `the file "`+file+`"`))
			if c.text == "" || strings.Contains(c.text, "\x00") {
				return // neither a variable nor an argument can have this text
			}
			checkOddKey(t, runCommand(t, dir, []string{bridge.KeysVariable + "=" + c.text}, ospBinary, "headers"), c.code, c.key, strings.ReplaceAll(c.want, "FROM", bridge.KeysVariable))
			checkOddKey(t, runCommand(t, dir, nil, ospBinary, "headers", "--hmac-key", c.text), c.code, c.key, strings.ReplaceAll(c.want, "FROM", "--hmac-key"))
		})
	}
}

func checkOddKey(t *testing.T, r result, code int, key, want string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.stderr, want) || strings.Contains(r.stderr, "s3cr3t") {
		t.Errorf("want exit %d and %q, got %+v", code, want, r)
	}
	if code == exitDone {
		signedFor(t, r.stdout, key)
	} else if r.stdout != "" {
		t.Errorf("a header without a key: %q", r.stdout)
	}
	if want == "" && strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("more than the base id: %q", r.stderr)
	}
}

// curl accepts the header lines, and the middleware accepts curl's request.
func TestHeadersThroughCurl(t *testing.T) {
	curl := testenv.Tool(t, "curl", "curl")
	keys, served := bridge.NewKeys("k"), 0
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		served++
		ctx := bridge.NewPropagator(keys).Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		if !bridge.Trusted(ctx) {
			t.Error("the request is not traced:", r.Header)
		}
	}))
	defer server.Close()
	pipe := `"$0" headers --hmac-key k | "$1" -sSf -H @- "$2"`
	r := runCommand(t, t.TempDir(), nil, "sh", "-c", pipe, ospBinary, curl, server.URL)
	if r.code != 0 || served != 1 {
		t.Errorf("%+v", r)
	}
}
