package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// If an operator completes a base id, the base ids of the store cannot run a command,
// change the screen, or displace the other base ids.
func TestCompletionOfHostileBaseIDs(t *testing.T) {
	for _, s := range shells {
		t.Run(s.name, func(t *testing.T) {
			c := s.start(t, t.TempDir(), noMark)
			for _, attack := range hostile {
				t.Run(attack.name, func(t *testing.T) { c.completeHostileBaseIDs(t, s.tabs, attack.text) })
			}
		})
	}
}

// noMark is the mark of a shell before the first attack. No such file exists.
const noMark = "/nonexistent"

func (c *session) completeHostileBaseIDs(t *testing.T, tabs, text string) {
	dir := t.TempDir()
	mark := filepath.Join(dir, "ran")
	c.next(t, dir, mark, connectionVariable+"="+attackedStore(t, strings.ReplaceAll(text, "MARK", mark)))
	screen := c.complete("osp trace show "+tabs, honestID, honestOther, undatedID)
	screen += c.complete("osp trace show 2130\t\r", "Trace "+honestID)
	if c.harmless(); strings.Contains(screen, "EVIL") || strings.Contains(screen, mark) {
		t.Errorf("the hostile text is on the screen: %q", screen)
	}
}

// File names cannot run a command, neither when they are completed nor when a later
// word of the same command line is completed.
func TestCompletionOfHostileFileNames(t *testing.T) {
	report := filepath.Join(t.TempDir(), "report.json")
	if r := osp(t, t.TempDir(), "trace", "show", honestID, "--json", "--out", report, "--connection-string", attackedStore(t, "x")); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	saved := readFile(t, report)
	for _, s := range shells {
		t.Run(s.name, func(t *testing.T) {
			c := s.start(t, t.TempDir(), noMark)
			for _, attack := range hostile {
				if strings.ContainsAny(attack.text, "\t\x1b") {
					continue // the shells themselves do not complete such a name
				}
				t.Run(attack.name, func(t *testing.T) {
					dir := t.TempDir()
					name := strings.ReplaceAll(attack.text, "MARK", "ran")
					writeFile(t, filepath.Join(dir, "saved"+name), saved)
					c.next(t, dir, filepath.Join(dir, "ran"))
					c.send("osp trace show saved\t --te\t\r")
					c.await("Trace " + honestID)
					c.send("osp trace show saved\t --out ./saved\t --te\t\r")
					c.send("echo over''now\r")
					c.await("overnow")
					c.harmless()
				})
			}
		})
	}
}

// Completion in fish works for all forms of the command's name. The name of its
// folder cannot run a command.
func TestFishCompletesAnyNameOfTheCommand(t *testing.T) {
	fish := testenv.Tool(t, "fish", "fish")
	store := attackedStore(t, "x")
	for _, folder := range []string{"home", "a home", "h$(touch ran)", "h(touch ran)'\"", "$HOME", "h;touch ran"} {
		home := filepath.Join(t.TempDir(), folder)
		if err := errors.Join(os.MkdirAll(home+"/bin", 0o755), os.Link(ospBinary, home+"/bin/osp")); err != nil {
			t.Fatal(err)
		}
		escaped := strings.TrimSpace(runCommand(t, home, []string{"HOME=" + home}, fish, "--no-config", "-c", "string escape -- $HOME/bin/osp").stdout)
		for _, path := range []string{"", filepath.Dir(ospBinary) + ":"} {
			for _, c := range []struct {
				command string
				inPath  bool // offers need an osp in PATH
			}{
				{"~/bin/osp", false},
				{"$HOME/bin/osp", false},
				{`"$HOME"/bin/osp`, false},
				{"~/'bin'/osp", false},
				{"./bin/osp", false},
				{"bin/../bin/osp", false},
				{escaped, false},
				{"osp", true},
				{"'(touch ran)'/osp", true},
				{"'$(touch ran)'/osp", true},
				{"'~/nosuch;touch ran;'/osp", true},
			} {
				const script = `$OSP completion fish | source; complete -C "$LINE"`
				env := []string{"HOME=" + home, "PATH=" + path + os.Getenv("PATH"), "OSP=" + ospBinary, "LINE=" + c.command + " trace show 2130", connectionVariable + "=" + store}
				want := ""
				if !c.inPath || path != "" {
					want = honestID + "\t2026-01-01 00:00:00.000001\n"
				}
				var r result
				for range 60 { // osp offers the ids that it reads in half a second
					if r = runCommand(t, home, env, fish, "--no-config", "-c", script); r.stdout == want {
						break
					}
				}
				if r.stdout != want || r.stderr != "" {
					t.Errorf("%s in %q, PATH=%s…: %+v; want %q", c.command, home, path, r, want)
				}
			}
		}
		if _, err := os.Stat(home + "/ran"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a command in the name of the folder %q ran: %v", home, err)
		}
	}
}
