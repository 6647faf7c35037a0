package main

import (
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// If no flag names the stores, forward takes them from the environment. It shows none of
// their passwords.
func TestForwardFromEnvironment(t *testing.T) {
	dir := t.TempDir()
	source, _ := manyTraces(t, 5)
	target := "sqlite:///" + dir + "/t.db"
	env := []string{connectionVariable + "=" + source, targetVariable + "=" + target}
	for _, args := range []string{"forward", "forward --to " + target, "forward --from " + source} {
		r := runCommand(t, dir, env, append([]string{ospBinary}, strings.Fields(args)...)...)
		if r.code != exitDone || !strings.Contains(r.stderr, " read, ") {
			t.Errorf("%s: %+v", args, r)
		}
	}
	if r := runCommand(t, dir, env[:1], ospBinary, "forward"); r.code != exitUsage || !strings.Contains(r.stderr, "no target is named: give --to, or set OSPROFILER_FORWARD_TO") {
		t.Errorf("without a target: %+v", r)
	}
	same := []string{env[0], targetVariable + "=" + source}
	if r := runCommand(t, dir, same, ospBinary, "forward"); r.code != exitUsage || !strings.Contains(r.stderr, "are the same store") {
		t.Errorf("the same store twice: %+v", r)
	}
	const secret = "hunter2"
	hidden := []string{env[0], targetVariable + "=redis://:" + secret + "@" + testenv.ClosedPort(t) + "/0?ssl_ca_certs=/" + secret}
	for _, args := range []string{"forward", "forward --help"} {
		if r := runCommand(t, dir, hidden, append([]string{ospBinary}, strings.Fields(args)...)...); strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("%s shows the password: %+v", args, r)
		}
	}
}
