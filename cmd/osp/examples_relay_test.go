package main

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

const relayExamples = "../../examples/relay/"

// exampleForward loads the YAML example, with its secrets in dir.
func exampleForward(t *testing.T, dir, text string) *forward {
	t.Helper()
	for _, name := range []string{"rabbit-password", "redis-password"} {
		writeFile(t, filepath.Join(dir, name), "p%40ss\n")
	}
	text = strings.ReplaceAll(text, "/run/credentials/osprofiler-relay.service", dir)
	f := &forward{since: when{now: time.Now}, until: when{now: time.Now}}
	cmd := newForward()
	cmd.ResetFlags()
	f.addFlags(cmd)
	if err := applyYAML(t.Context(), cmd, "relay.yaml", text); err != nil {
		t.Fatal(err)
	}
	if err := f.check(cmd); err != nil {
		t.Fatal(err)
	}
	return f
}

// The YAML example loads, also with its commented-out options, and names every option of a
// relay.
func TestRelayExampleYAML(t *testing.T) {
	text := readFile(t, relayExamples+"relay.yaml")
	f := exampleForward(t, t.TempDir(), text)
	if !f.following || len(f.from) != 2 || !strings.Contains(f.from[0], "openstack:p%40ss@10.0.0.12") || len(f.to) != 2 || f.follow.logFormat != "json" || !f.redact.DBParams || f.follow.grace.Duration != 20*time.Second {
		t.Errorf("%+v", f)
	}
	option := regexp.MustCompile(`(?m)^# ([a-z-]+:(?: .*)?)$`)
	commented := option.ReplaceAllString(text, "$1")
	f = exampleForward(t, t.TempDir(), commented)
	if f.filter() == nil || f.follow.state == "" || f.namePrefix == "" || len(f.osloPaths) != 1 {
		t.Errorf("%+v", f)
	}
	newForward().Flags().VisitAll(func(flag *pflag.Flag) {
		if slices.Contains(append([]string{"config", "config-dir", "help"}, onlyOnce...), flag.Name) {
			return
		}
		if !strings.Contains("\n"+commented, "\n"+flag.Name+":") {
			t.Errorf("the example has no option %s", flag.Name)
		}
	})
}

// systemd does not restart a relay with wrong options, and podman waits longer for a stop
// than the relay's grace.
func TestRelayExampleStops(t *testing.T) {
	for name, want := range map[string]string{"osprofiler-relay.service": "\nRestartPreventExitStatus=2\n", "README.md": "podman run --stop-timeout=30 ", "Containerfile": "podman run --stop-timeout=30 "} {
		if !strings.Contains(readFile(t, relayExamples+name), want) {
			t.Errorf("%s has no %q", name, want)
		}
	}
}

// systemd-analyze finds nothing wrong with the unit.
func TestRelayExampleUnit(t *testing.T) {
	analyze := testenv.Tool(t, "systemd-analyze", "systemd")
	path := filepath.Join(t.TempDir(), "osprofiler-relay.service")
	writeFile(t, path, strings.ReplaceAll(readFile(t, relayExamples+"osprofiler-relay.service"), "/usr/local/bin/osp", ospBinary))
	if r := runCommand(t, "", nil, analyze, "verify", path); r.code != 0 || r.stderr != "" {
		t.Errorf("%+v", r)
	}
}

// systemd-analyze rates how much a service may still do, from 0.0 (nothing) to 10.0. The unit
// has 1.2, because a relay needs the network.
func TestRelayExampleUnitIsHardened(t *testing.T) {
	analyze := testenv.Tool(t, "systemd-analyze", "systemd")
	r := runCommand(t, "", nil, analyze, "security", "--offline=true", "--no-pager", "--threshold=15", relayExamples+"osprofiler-relay.service")
	if strings.Contains(r.stderr, "unrecognized option") {
		testenv.Missing(t, "this systemd-analyze knows no files: it should be of systemd 250 or newer")
	}
	if r.code != 0 {
		t.Errorf("%+v", r)
	}
}
