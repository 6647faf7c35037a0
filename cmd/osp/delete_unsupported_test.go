package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A bus is a back end that can neither read nor delete.
type bus struct{}

func (bus) Name() string               { return "the bus" }
func (bus) Ping(context.Context) error { return nil }
func (bus) Close() error               { return nil }

func init() {
	store.Register(store.Backend{Schemes: []string{"testbus"}, Open: func(_ context.Context, _ string, o store.Options) (*store.Store, error) {
		if o.ReadOnly {
			return store.NewReadOnly(bus{}), nil
		}
		return store.New(bus{}), nil
	}})
}

// For a back end that cannot delete, the verbs return one sentence, also in a dry run.
func TestDeletingFromABus(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"trace delete b --yes", "trace delete b --dry-run", "prune --older-than 1d --yes", "prune --older-than 1d --dry-run"} {
		var stderr bytes.Buffer
		code := execute(t.Context(), newRoot(), append(strings.Fields(args), "--connection-string", "testbus://h"), &stderr)
		if code != exitFailed || stderr.String() != "osp: cannot delete from the bus: unsupported operation\n" {
			t.Errorf("osp %s: exit code %d, %q", args, code, &stderr)
		}
	}
}

// A bus can be reached. The other checks are reported as impossible, which is not a failure.
func TestCheckOfABus(t *testing.T) {
	t.Parallel()
	root := newRoot()
	var stdout, stderr bytes.Buffer
	root.SetOut(&stdout)
	if code := execute(t.Context(), root, []string{"check", "--write", "--connection-string", "testbus://h"}, &stderr); code != exitDone {
		t.Errorf("exit code %d, %q", code, &stderr)
	}
	for _, line := range []string{"reach     ok          the bus, in ", "read      no ", "write     no ", "delete    no ", "follow    no "} {
		if !strings.Contains(stdout.String(), line) {
			t.Errorf("%q lacks %q", &stdout, line)
		}
	}
}
