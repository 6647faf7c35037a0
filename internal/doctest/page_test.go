package doctest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The commands and programs of each page run in their order, and their output is that of
// the page.
func TestPagesRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the programs of the documentation")
	}
	x := newTools(t)
	t.Run("pages", func(t *testing.T) {
		for name, blocks := range pages(t) {
			t.Run(strings.ReplaceAll(strings.TrimPrefix(name, "docs/"), "/", "."), func(t *testing.T) {
				t.Parallel()
				runPage(t, x, blocks)
			})
		}
	})
}

func runPage(t *testing.T, x *tools, blocks []*block) {
	var s *sandbox
	var last string
	stop := func() {}
	for _, b := range blocks {
		c, err := b.class()
		if err != nil || c == excerpt || c == tested || c == servers {
			continue // the other tests run these
		}
		if s == nil {
			s = newSandbox(t, x, blocks)
		}
		if b.has("serve") {
			stop()
		}
		switch c {
		case program, file:
			if b.has("from") {
				checkExcerpt(t, b)
			}
			last = s.goBlock(t, c, b, &stop)
		case commands:
			text := s.known(t, b.text)
			if b.attrs["in"] == "clone" {
				text = "cd " + s.clone(t) + "\n" + text
			}
			if address := b.attrs["serve"]; address != "" {
				stop = serve(t, b, s.bash(text), s.replace.Replace(address))
			} else {
				last = run(t, b, s.bash(text))
			}
		case console:
			s.console(t, b)
		case output:
			compare(t, b, s.unrooted(last), b.text)
		case usage:
			s.usage(t, b)
		case keys:
			s.keys(t, b)
		}
	}
}

// goBlock writes a file, or builds a program in an empty folder and runs it.
func (s *sandbox) goBlock(t *testing.T, c class, b *block, stop *func()) (out string) {
	t.Helper()
	text := s.replace.Replace(b.text)
	if c == file {
		write(t, filepath.Join(s.work, b.attrs["file"]), text)
		return ""
	}
	s.states++
	dir := s.path(fmt.Sprintf("program%d", s.states))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "main.go"), text)
	build := s.bash("cd " + dir + " && go mod init example.com/program && go get " + modulePath + "@latest && go mod tidy && go vet . && go build -o program .")
	run(t, b, build)
	cmd := exec.Command(filepath.Join(dir, "program"))
	cmd.Dir, cmd.Env = s.work, s.env
	if address := b.attrs["serve"]; address != "" {
		*stop = serve(t, b, cmd, s.replace.Replace(address))
		return ""
	}
	return run(t, b, cmd)
}

// console runs each command, and compares its output with the lines below it.
func (s *sandbox) console(t *testing.T, b *block) {
	t.Helper()
	for _, step := range strings.Split("\n"+b.text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(step, "\n")
		cmd := s.bash(s.known(t, command))
		show := run
		if b.has("terminal") {
			show = onTerminal
		}
		got := show(t, b, cmd)
		if strings.TrimSpace(want) != "" {
			compare(t, b, s.unrooted(got), want)
		}
	}
}

// unrooted returns an output with the paths of the page.
func (s *sandbox) unrooted(text string) string { return strings.ReplaceAll(text, s.root, "") }
