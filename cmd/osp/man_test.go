package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Each verb has a manual page with all its sections, which groff formats without a warning.
func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "share", "man1")
	epoch := []string{"SOURCE_DATE_EPOCH=1764000000"}
	if got := runCommand(t, "", epoch, ospBinary, "man", dir).succeeded(t); got != "" {
		t.Errorf("stdout is %q", got)
	}
	pages := 0
	eachCommand(newRoot(), func(cmd *cobra.Command) {
		if cmd.HasParent() && !cmd.IsAvailableCommand() {
			return
		}
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
		page := readFile(t, filepath.Join(dir, name))
		pages++
		want := []string{".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", "Nov 2025", cmd.Short}
		if cmd.HasExample() {
			want = append(want, ".SH EXAMPLE")
		}
		if cmd.HasParent() || cmd.HasSubCommands() {
			want = append(want, ".SH SEE ALSO")
		}
		for _, part := range want {
			if !strings.Contains(strings.ReplaceAll(page, `\-`, "-"), part) {
				t.Errorf("%s lacks %q", name, part)
			}
		}
		lint(t, filepath.Join(dir, name))
	})
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != pages || pages < 10 {
		t.Errorf("%d files for %d verbs, %v", len(files), pages, err)
	}
	again := filepath.Join(t.TempDir(), "again")
	runCommand(t, "", epoch, ospBinary, "man", again).succeeded(t)
	if readFile(t, filepath.Join(again, "osp.1")) != readFile(t, filepath.Join(dir, "osp.1")) {
		t.Error("the pages are not reproducible")
	}
}

// lint fails if a formatter of manual pages has a warning.
func lint(t *testing.T, page string) {
	t.Helper()
	groff, err := exec.LookPath("groff")
	if err != nil {
		return
	}
	r := runCommand(t, "", nil, groff, "-man", "-Kutf8", "-Tutf8", "-rLL=100n", "-ww", "-z", page)
	if r.code != 0 || r.stderr != "" {
		t.Errorf("%s: %s", page, r.stderr)
	}
}

func TestManUsage(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{{"man"}, {"man", ""}, {"man", "a", "b"}} {
		if r := osp(t, dir, args...); r.code != exitUsage || !strings.Contains(r.stderr, "give one folder for the manual pages") {
			t.Errorf("%q: %+v", args, r)
		}
	}
	writeFile(t, filepath.Join(dir, "file"), "")
	for _, path := range []string{"file", "file/below"} {
		if r := osp(t, dir, "man", path); r.code != exitFailed || !strings.Contains(r.stderr, `cannot write "file"`) {
			t.Errorf("%s: %+v", path, r)
		}
	}
}
