package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

//go:embed otlp.py
var otlpScript string

// Our aims: the notifications for each second of CPU, the memory, and the speed as a
// multiple of that of Python's driver.
const (
	otlpAim       = 100_000
	otlpMemoryAim = 150 << 20
	otlpPythonAim = 20
)

const (
	otlpPython = 100_000 // the largest number of notifications for Python's driver
	otlpFlush  = 1000    // the number of notifications after which the queue of Python's driver is emptied
)

const otlpExplained = `
From a file to a server of OTLP in another process, which discards the spans: notifications whose spans arrived for each second
of CPU of the process (aim: %d/s with GOMAXPROCS=1, and %d times the OTLP driver of the Python library), and its largest
resident memory (aim: %d MB, the same for both sizes). Exact spans are those that took as long as their notifications say;
Python's driver takes the times at which it is called. Its process has read all modules before its seconds begin, ours start
in them. One row of Python's empties the queue of spans after every %d notifications, so that nothing is lost. In the other
rows OpenTelemetry's SDK does that, as in a service. Its thread competes with the one that calls the driver, and when the queue
of 2048 spans is full, it drops spans: how many differs from run to run.

`

// An otlpRow is the resource usage of one process and the spans that arrived.
type otlpRow struct {
	name          string
	notifications int
	cpu, seconds  float64
	peak          int64
	arrival       arrival
}

// delivered returns the number of notifications that arrived as spans.
func (r otlpRow) delivered() float64 { return 2 * float64(r.arrival.Spans) }

// beOTLP runs this command as a process of the OTLP rows.
func beOTLP(ctx context.Context, text string) error {
	var work otlpWork
	if err := json.Unmarshal([]byte(text), &work); err != nil {
		return err
	}
	if work.How == "serve" {
		return serveOTLP(ctx)
	}
	from, err := store.Open(ctx, work.From)
	if err != nil {
		return err
	}
	to, err := exporter.Open(ctx, work.To)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	source, target := relay.FromStore(from), relay.ToExporter(to)
	_, err = relay.Copy(ctx, source, []relay.Target{target})
	return errors.Join(err, target.Close(), source.Close(), to.Shutdown(ctx), from.Close())
}

// otlpTable measures the ways to send notifications from a file to OTLP, and prints a table.
func otlpTable(ctx context.Context, w io.Writer, python, newest string, notifications int) error {
	dir, err := os.MkdirTemp("", "osp-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // these are temporary files
	osp, err := buildCommand(ctx, dir)
	if err != nil {
		return err
	}
	var rows []otlpRow
	for _, count := range []int{max(notifications/10, 2), notifications} {
		file := filepath.Join(dir, strconv.Itoa(count)+".jsonl")
		if err := fillFile(ctx, file, count/2); err != nil {
			return err
		}
		some, err := otlpRows(ctx, python, osp, file, count/2*2)
		if err != nil {
			return err
		}
		rows = append(rows, some...)
	}
	beside, err := pythonRows(ctx, python, newest, filepath.Join(dir, strconv.Itoa(notifications)+".jsonl"), min(notifications/2*2, otlpPython))
	if err != nil {
		return err
	}
	return printOTLP(w, append(rows, beside...), beside[0])
}

// fillFile writes traces of two notifications each to a file.
func fillFile(ctx context.Context, file string, traces int) error {
	s, err := store.Open(ctx, "file://"+file)
	if err != nil {
		return err
	}
	for from := 0; from < traces && err == nil; from += atOnce {
		var some []osprofiler.Notification
		for i := from; i < min(from+atOnce, traces); i++ {
			some = append(some, halves(i)...)
		}
		err = s.Write(ctx, some)
	}
	return errors.Join(err, s.Close())
}

// printOTLP prints the rows. The ratios compare with the row python, which lost nothing.
func printOTLP(w io.Writer, rows []otlpRow, python otlpRow) error {
	fmt.Fprintf(w, otlpExplained, otlpAim, otlpPythonAim, otlpMemoryAim>>20, otlpFlush)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "notifications\tper CPU second\tthis : Python\tper second\tthis : Python\tmemory\tspans arrived\texact\t  by")
	for _, r := range rows {
		cpu, seconds := r.cpu/r.delivered(), r.seconds/r.delivered()
		fmt.Fprintf(t, "%d\t%s\t%.2f\t%s\t%.2f\t%d MB\t%s\t%s\t  %s\n", r.notifications,
			speed(cpu), python.cpu/python.delivered()/cpu, speed(seconds), python.seconds/python.delivered()/seconds,
			r.peak>>20, percent(r.arrival.Spans, r.notifications/2), percent(r.arrival.Exact, r.notifications/2), r.name)
	}
	return t.Flush()
}

func percent(n int64, of int) string { return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(of)) }
