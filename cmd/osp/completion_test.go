package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestIsPlainWord(t *testing.T) {
	for _, id := range []string{"b", honestID, "E000", "{}"[:0] + "a.b_c:d@e+f-g", strings.Repeat("x", 255)} {
		if !isPlainWord(id) {
			t.Errorf("%q is a plain word", id)
		}
	}
	for _, id := range []string{"", "-", "--out=x", strings.Repeat("x", 256), "zażółć", "a b"} {
		if isPlainWord(id) {
			t.Errorf("%q is no plain word", id)
		}
	}
	for c := range rune(128) {
		isLetter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if got := isPlainWord("a" + string(c)); got != (isLetter || strings.ContainsRune("._:@+-", c)) {
			t.Errorf("%q in an id: %v", c, got)
		}
	}
}

// offers returns the offers of completion for the typed text. It asks again until want is
// true, because osp only offers the ids that it reads in half a second, and there may be no
// such ids while other tests run.
func offers(t *testing.T, connection, typed string, want func(lines []string) bool) (lines []string) {
	t.Helper()
	for range 60 {
		r := osp(t, t.TempDir(), "__complete", "trace", "show", "--connection-string", connection, typed)
		if r.code != exitDone || !strings.HasSuffix(r.stdout, ":0\n") {
			t.Fatalf("%+v", r)
		}
		lines = strings.Split(strings.TrimSuffix(r.stdout, ":0\n"), "\n")
		if lines = lines[:len(lines)-1]; want(lines) {
			return lines
		}
	}
	t.Errorf("completion of %q offers %d: %q", typed, len(lines), lines)
	return lines
}

// Completion offers the ids that begin with the typed text, from the newest traces.
func TestCompletionOffers(t *testing.T) {
	const count = completionTraces + 10
	connection, _ := manyTraces(t, count)
	one := func(lines []string) bool { return len(lines) == 1 }
	none := func(lines []string) bool { return len(lines) == 0 }
	offers(t, connection, "", func(lines []string) bool {
		return len(lines) == completionItems && strings.HasPrefix(lines[0], traceName(count-1)+"\t2")
	})
	offers(t, connection, traceName(count-completionTraces), one)
	offers(t, connection, traceName(count-completionTraces-1), none)
	offers(t, connection, "nosuch", none)
}

// Completion offers no characters with a special meaning for a shell or a terminal.
func TestCompletionOffersOnlyPlainWords(t *testing.T) {
	want := []string{honestOther + "\t2026-01-01 00:00:00.000002", honestID + "\t2026-01-01 00:00:00.000001", undatedID}
	for _, attack := range hostile {
		t.Run(attack.name, func(t *testing.T) {
			offers(t, attackedStore(t, attack.text), "", func(lines []string) bool { return slices.Equal(lines, want) })
		})
	}
}

// The completion scripts of osp differ from cobra's scripts only where cobra's script
// would evaluate a word without its quotes.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		for _, flag := range []string{"", "--no-descriptions"} {
			r := osp(t, t.TempDir(), strings.Fields(fmt.Sprintf("completion %s %s", shell, flag))...)
			script := r.succeeded(t)
			request := " __complete "
			if flag != "" {
				request = " __completeNoDesc "
			}
			if !strings.Contains(script, request) {
				t.Errorf("%s %s: %.100q", shell, flag, script)
			}
			if shell == "fish" && !strings.Contains(script, fishQuoted) {
				t.Errorf("the script for fish evaluates words without their quotes")
			}
		}
	}
}
