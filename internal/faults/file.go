package faults

import (
	"bufio"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// FullDisk exports into a store without a server, in a folder on a disk of the
// given size, while the disk is full for a while. A full disk is a temporary
// state, as for servers. So failed writes are repeated and nothing is lost. The error
// of a failed write must contain text. at returns the connection string of a store
// in the folder.
//
// Only `make soak` exports as many spans as into a server, because reading one
// trace back reads the whole file.
func FullDisk(t *testing.T, at func(folder string) string, size, text string) {
	t.Helper()
	spans := usualSpans()
	if !testenv.Soak() {
		spans = 4000
	}
	d := testenv.NewDisk(t, size)
	s, err := store.Open(t.Context(), at(d.Dir))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	after := 0
	r := Export{Store: s, Spans: spans, Rest: 20 * time.Millisecond}.Run(t, func(p *Progress) {
		d.Fill()
		p.AwaitFailures(2 * exporters)
		d.Free()
		failures := p.Failures()
		p.Await(func() bool { return false })
		after = p.Failures() - failures
	})
	r.Check(t, s)
	r.CheckNothingLost(t)
	r.checkFull(t, text)
	if after > exporters { // each exporter may have had one write in progress
		t.Errorf("%d batches failed after the disk had free space again", after)
	}
}

// Killed runs this test binary as another process. The environment variable variable
// (NAME=VALUE) selects what the process does. The process writes a line for each
// acknowledged batch. Killed kills the process after the given number of lines, and
// returns the number of lines that Killed has read.
func Killed(t *testing.T, variable string, lines int) (acknowledged int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self) //nolint:gosec // this very program
	cmd.Env = append(os.Environ(), variable)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for read := bufio.NewScanner(out); read.Scan(); {
		if acknowledged++; acknowledged == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || acknowledged < lines {
		t.Errorf("the process ended after %d lines: %v", acknowledged, err)
	}
	return acknowledged
}
