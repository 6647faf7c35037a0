package main

import (
	"bytes"
	"maps"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// pythonBus calls the Python library on a bus.
const pythonBus = "../../internal/interop/testdata/bus.py"

// A pythonWriter is a Python process that writes traces, alternating between them.
type pythonWriter struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

// Python services write 20 traces at once to RabbitMQ, while osp forward runs again and again
// and is sometimes killed. Each notification arrives once.
func TestForwardWhatPythonWrites(t *testing.T) {
	t.Parallel()
	redis := func(t *testing.T) string { return testenv.RedisDB(t) }
	for _, c := range []struct {
		name, options string
		python        func(testing.TB) string
		to            func(t *testing.T) string
	}{
		{"newest, durable queue, to Redis", "?amqp_durable_queues=true", testenv.NewPython, redis},
		{"debian, to Redis", "", testenv.Python, redis},
		{"newest, to a file", "", testenv.NewPython, func(t *testing.T) string { return "file://" + t.TempDir() + "/traces.jsonl" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			python, at, to := c.python(t), testenv.RabbitMQ(t), c.to(t)
			want := map[string][]string{}
			var writers []*pythonWriter
			for range 5 {
				writers = append(writers, startPython(t, python, at+c.options, copiesOfTraces(t, 4, want)))
			}
			kills := forwardMeanwhile(t, at+c.options, to, writers)
			if kills == 0 {
				t.Error("osp forward was never killed")
			}
			sameAsWritten(t, to, want)
			testenv.RabbitMQAPI(t, at).AwaitQueue("profiler.info", func(q testenv.RabbitMQQueue) bool { return q.Messages == 0 })
		})
	}
}

// copiesOfTraces returns copies of real traces with new ids, as lists of notifications. It
// adds them to the map of all traces.
func copiesOfTraces(t *testing.T, count int, all map[string][]string) (traces [][]string) {
	t.Helper()
	for _, original := range openstackTraces(t) {
		text := strings.TrimSpace(readFile(t, original.file))
		if lines := strings.Count(text, "\n"); lines > 200 || len(traces) == count {
			continue
		}
		id := osprofiler.NewID()
		traces = append(traces, strings.Split(strings.ReplaceAll(text, original.baseID, id), "\n"))
		all[id] = traces[len(traces)-1]
	}
	if len(traces) < count {
		t.Fatalf("there are only %d short traces", len(traces))
	}
	return traces
}

// startPython starts a process that writes the traces at the same time.
func startPython(t *testing.T, python, at string, traces [][]string) *pythonWriter {
	t.Helper()
	var mixed []string
	for i, more := 0, true; more; i++ {
		more = false
		for _, lines := range traces {
			if i < len(lines) {
				mixed, more = append(mixed, lines[i]), true
			}
		}
	}
	w := &pythonWriter{cmd: exec.CommandContext(t.Context(), python, pythonBus, "write", at, "openstack", "0.01")}
	w.cmd.Stdin, w.cmd.Stderr = strings.NewReader("["+strings.Join(mixed, ",")+"]"), &w.stderr
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return w
}

// forwardMeanwhile runs the command until the writers have ended, and once more. It kills
// every second run, and returns the number of kills.
func forwardMeanwhile(t *testing.T, from, to string, writers []*pythonWriter) (kills int) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, w := range writers {
			if err := w.cmd.Wait(); err != nil || strings.Contains(w.stderr.String(), "Traceback") {
				t.Errorf("Python: %v\n%s", err, &w.stderr)
			}
		}
	}()
	for run := 0; ; run++ {
		last := false
		select {
		case <-ended:
			last = true
		default:
		}
		if r, killed := forwardFor(t, from, to, time.Duration(run%5)*150*time.Millisecond, !last && run%2 == 0); killed {
			kills++
		} else if r.code != exitDone {
			t.Errorf("osp forward: %+v", r)
		}
		if last {
			return kills
		}
	}
}

// forwardFor runs the command, and kills it after a while if kill is true. killed is false
// if the command ended before the kill.
func forwardFor(t *testing.T, from, to string, while time.Duration, kill bool) (r result, killed bool) {
	t.Helper()
	if !kill {
		return osp(t, "", "forward", "--from", from, "--to", to), false
	}
	cmd := exec.CommandContext(t.Context(), ospBinary, "forward", "--from", from, "--to", to)
	cmd.Env = cleanEnv()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200*time.Millisecond + while)
	_ = cmd.Process.Kill() // it may have ended
	_ = cmd.Wait()
	return result{code: cmd.ProcessState.ExitCode()}, !cmd.ProcessState.Exited()
}

// sameAsWritten checks that a store has exactly the notifications of all traces, each
// once.
func sameAsWritten(t *testing.T, at string, want map[string][]string) {
	t.Helper()
	s, err := store.Open(t.Context(), at, store.WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for id, lines := range want {
		wanted, got := map[string]int{}, map[string]int{}
		for _, line := range lines {
			n, err := osprofiler.ParseNotification(line)
			if err != nil {
				t.Fatal(err)
			}
			wanted[n.JSON()]++
		}
		for n, err := range s.Notifications(t.Context(), id) {
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			got[n.JSON()]++
		}
		if !maps.Equal(got, wanted) {
			t.Errorf("%s: Python wrote %d different notifications, and %d arrived; some differ or came twice", id, len(wanted), len(got))
		}
	}
}
