package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// osp headers reads the keys from the configuration file of a service, as the service does.
func TestHeadersOfServiceConfig(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "nova.conf"), "[DEFAULT]\nkey = geheim1\n[profiler]\nenabled = True\nhmac_keys = $key,geheim2\n")
	writeFile(t, filepath.Join(dir, "none.conf"), "[profiler]\nenabled = True\n")
	r := osp(t, dir, "headers", "--config-file", "nova.conf", "--base-id", "b")
	want := osp(t, dir, "headers", "--hmac-key", "geheim1", "--base-id", "b")
	if r.code != exitDone || r.stdout != want.stdout || r.stdout == "" {
		t.Errorf("%+v; want %+v", r, want)
	}
	writeFile(t, filepath.Join(dir, "headers"), r.stdout)
	if r := osp(t, dir, "check", "--config-file", "nova.conf", "--headers", "headers"); r.code != exitDone || strings.Contains(r.stdout, "geheim") {
		t.Errorf("%+v", r)
	}
	for args, want := range map[string]string{
		"--config-file none.conf":                    "no HMAC key: --config-file none.conf has no hmac_keys in [profiler]",
		"--config-file nova.conf --hmac-key geheim1": "give only one of --config-file, --hmac-key-file and --hmac-key",
		"--config-file nosuch.conf":                  `no HMAC key: cannot read the configuration file "nosuch.conf": no such file or directory`,
	} {
		if r := osp(t, dir, append([]string{"headers"}, strings.Fields(args)...)...); r.code == exitDone || !strings.Contains(r.stderr, want) || strings.Contains(r.stderr, "geheim") {
			t.Errorf("%s: %+v", args, r)
		}
	}
}
