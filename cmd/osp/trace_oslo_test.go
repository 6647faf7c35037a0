package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The verbs that read a store take the store from the configuration file of a service.
func TestTracesOfServiceConfig(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "traces.jsonl"), half(1, "-start", "nova")+half(1, "-stop", "nova"))
	if r := osp(t, dir, "forward", "--from", "file://"+dir+"/traces.jsonl", "--to", "sqlite:///a.db"); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	if err := os.Mkdir(filepath.Join(dir, "conf.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "conf.d", "nova.conf"), "[DEFAULT]\nplace = a.db\n[profiler]\nconnection_string = sqlite:///$place\n")
	writeFile(t, filepath.Join(dir, "sink.conf"), "[profiler]\nconnection_string = otlp://h\n")
	writeFile(t, filepath.Join(dir, "other.conf"), "[profiler]\nconnection_string = sqlite:///other.db\n")
	list := osp(t, dir, "trace", "list", "--json", "--config-file", "conf.d/nova.conf")
	if list.code != exitDone || strings.Count(list.stdout, "\n") != 1 {
		t.Fatalf("%+v", list)
	}
	_, id, _ := strings.Cut(list.stdout, `"base_id": "`)
	id, _, _ = strings.Cut(id, `"`)
	want := osp(t, dir, "trace", "show", id, "--connection-string", "sqlite:///a.db")
	for name, args := range map[string][]string{
		"the folder":             {"--config-dir", "conf.d"},
		"the last file":          {"--config-file", "other.conf", "--config-file", "conf.d/nova.conf"},
		"the flag before a file": {"--config-file", "other.conf", "--connection-string", "sqlite:///a.db"},
	} {
		if r := osp(t, dir, append([]string{"trace", "show", id}, args...)...); r.code != exitDone || r.stdout != want.stdout || r.stdout == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	for file, want := range map[string]string{
		"sink.conf":   "the services send spans to a sink (otlp), where they cannot be read; name a store by --connection-string",
		"nosuch.conf": `cannot read the configuration file "nosuch.conf": no such file or directory`,
	} {
		for _, verb := range []string{"list", "show"} {
			args := []string{"trace", verb, "--config-file", file}
			if verb == "show" {
				args = append(args, id)
			}
			if r := osp(t, dir, args...); r.code == exitDone || !strings.Contains(r.stderr, want) {
				t.Errorf("%s %s: %+v", verb, file, r)
			}
		}
	}
}
