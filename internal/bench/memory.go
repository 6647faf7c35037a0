package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/osprofiler-otel/osprofiler/store"
)

// memoryAim is the memory that a listing of the newest 100 of a million traces may use.
const memoryAim = 200 << 20

//go:embed memory.py
var memoryScript string

// A usage is the time and the memory of the command for a listing.
type usage struct {
	Seconds float64
	CPU     float64 // the seconds of CPU
	Peak    int64   // the largest resident memory in bytes
	Output  string
	Code    int
}

// memoryTable measures listings of stores with many traces, and prints a table.
func memoryTable(ctx context.Context, w io.Writer, python string, stores []subject, traces int) error {
	dir, err := os.MkdirTemp("", "osp-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // these are temporary files
	osp, err := buildCommand(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nosp trace list --limit %d among %d traces of two notifications: the most memory that was resident (aim: %d MB at most), and the time\n",
		listLimit, traces, memoryAim>>20)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, p := range stores {
		used, err := p.memory(ctx, osp, python, traces)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Fprintf(t, "%s\t%d MB\t%s\t%d traces\t\n", p.name, used.Peak>>20, duration(used.Seconds), p.many(traces))
	}
	return t.Flush()
}

func buildCommand(ctx context.Context, dir string) (path string, err error) {
	path = filepath.Join(dir, "osp")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/osprofiler-otel/osprofiler/cmd/osp").CombinedOutput() //nolint:gosec // our own command
	if err != nil {
		return "", fmt.Errorf("cannot build the command: %w: %s", err, out)
	}
	return path, nil
}

// many returns the number of traces in the store for the measurement of memory.
func (p subject) many(traces int) int {
	if p.manyTraces > 0 {
		return min(traces, p.manyTraces)
	}
	return traces
}

// memory fills a store with traces, and measures how the command lists the newest.
func (p subject) memory(ctx context.Context, osp, python string, traces int) (used usage, err error) {
	url, drop, err := p.prepared(ctx)
	if err != nil {
		return used, err
	}
	traces = p.many(traces)
	defer func() { err = errors.Join(err, drop()) }()
	client, err := p.bare(ctx, url)
	if err != nil {
		return used, err
	}
	if err := errors.Join(fill(ctx, url, client, traces), client.close()); err != nil {
		return used, err
	}
	command := []string{osp, "trace", "list", "--json", "--limit", fmt.Sprint(listLimit), "--connection-string", url}
	if err := askPython(ctx, python, memoryScript, command, &used); err != nil {
		return used, err
	}
	if used.Code != 0 {
		return used, fmt.Errorf("the command ended with %d", used.Code)
	}
	return used, isList(listed(used.Output), traces, listLimit)
}

// listed yields the base ids that the command listed.
func listed(output string) iter.Seq2[store.Summary, error] {
	return func(yield func(store.Summary, error) bool) {
		for line := range strings.Lines(output) {
			var t struct {
				BaseID string `json:"base_id"`
			}
			err := json.Unmarshal([]byte(line), &t)
			if !yield(store.Summary{BaseID: t.BaseID}, err) {
				return
			}
		}
	}
}
