package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// The base ids of a store cannot run a command when an operator completes one,
// nor change the screen, nor displace the other base ids.
func TestCompletionOfHostileBaseIDs(t *testing.T) {
	for _, s := range shells {
		t.Run(s.name, func(t *testing.T) {
			for _, attack := range hostile {
				t.Run(attack.name, func(t *testing.T) { completeHostileBaseIDs(t, s, attack.text) })
			}
		})
	}
}

func completeHostileBaseIDs(t *testing.T, s shell, text string) {
	dir := t.TempDir()
	mark := filepath.Join(dir, "ran")
	c := s.start(t, dir, mark, connectionVariable+"="+attackedStore(t, strings.ReplaceAll(text, "MARK", mark)))
	c.send("osp trace show " + s.tabs)
	screen := c.await(honestID, honestOther, undatedID)
	c.send("\x15osp trace show 2130\t\r")
	screen += c.await("Trace " + honestID)
	if c.harmless(); strings.Contains(screen, "EVIL") || strings.Contains(screen, mark) {
		t.Errorf("the hostile text is on the screen: %q", screen)
	}
}

// The names of files in a folder cannot run a command, either when they are
// completed or when a later word of the same command line is.
func TestCompletionOfHostileFileNames(t *testing.T) {
	report := filepath.Join(t.TempDir(), "report.json")
	if r := osp(t, t.TempDir(), "trace", "show", honestID, "--json", "--out", report, "--connection-string", attackedStore(t, "x")); r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	saved := readFile(t, report)
	for _, s := range shells {
		t.Run(s.name, func(t *testing.T) {
			for _, attack := range hostile {
				if strings.ContainsAny(attack.text, "\t\x1b") {
					continue // the shells themselves do not complete such a name
				}
				t.Run(attack.name, func(t *testing.T) {
					dir := t.TempDir()
					name := strings.ReplaceAll(attack.text, "MARK", "ran")
					writeFile(t, filepath.Join(dir, "saved"+name), saved)
					c := s.start(t, dir, filepath.Join(dir, "ran"))
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
