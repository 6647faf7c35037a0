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

// The ids that are offered are those that begin with what was typed, however
// many newer ones there are.
func TestCompletionOffers(t *testing.T) {
	dir := t.TempDir()
	connection, _ := manyTraces(t, 3*completionItems)
	offers := func(typed string) []string {
		t.Helper()
		r := osp(t, dir, "__complete", "trace", "show", "--connection-string", connection, typed)
		if r.code != exitDone {
			t.Fatalf("%+v", r)
		}
		lines := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
		return lines[:len(lines)-1] // without the directive
	}
	all := offers("")
	if len(all) != completionItems || !strings.HasPrefix(all[0], traceName(3*completionItems-1)+"\t2") {
		t.Errorf("%d offers, first %q", len(all), all[0])
	}
	if got := offers(traceName(0)); len(got) != 1 || !strings.HasPrefix(got[0], traceName(0)+"\t") {
		t.Errorf("the oldest trace: %q", got)
	}
	if got := offers("nosuch"); len(got) != 0 {
		t.Errorf("no trace: %q", got)
	}
}

// Nothing that is offered has a character that a shell or a terminal obeys.
func TestCompletionOffersOnlyPlainWords(t *testing.T) {
	for _, attack := range hostile {
		r := osp(t, t.TempDir(), "__complete", "trace", "show", "--connection-string", attackedStore(t, attack.text), "")
		want := []string{
			honestOther + "\t2026-01-01 00:00:00.000002", honestID + "\t2026-01-01 00:00:00.000001", undatedID, ":0", "",
		}
		if got := strings.Split(r.stdout, "\n"); !slices.Equal(got, want) {
			t.Errorf("%s: %q; want %q", attack.name, got, want)
		}
	}
}

// The scripts differ from cobra's only where cobra's would evaluate a word
// without its quotes.
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
			if shell == "fish" && (strings.Contains(script, fishUnquoted) || !strings.Contains(script, fishQuoted)) {
				t.Errorf("the script for fish evaluates words without their quotes")
			}
		}
	}
}
