package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/store"
)

// The limits of one completion: how long it may take, how many traces it looks
// at, how many base ids it offers, and how many bytes a base id may have.
const (
	completionTime   = time.Second / 2
	completionTraces = 2000
	completionItems  = 50
	completionBytes  = 255
)

// completeBaseID looks at the newest traces and offers the base ids that begin
// with the typed text, each with the time of its trace. It offers only literal
// words ([isPlainWord]). Other ids do not count as offers, so that they do not
// displace honest ones. If something goes wrong, it offers what it has found.
func completeBaseID(ctx context.Context, connection, typed string) (offers []cobra.Completion) {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	r, err := openReader(ctx, connection, false)
	if err != nil {
		return nil
	}
	defer func() { _ = r.Close() }()                                              // nothing was written
	for trace, err := range r.Traces(ctx, store.Query{Limit: completionTraces}) { // the newest come first
		if err != nil || !isPlainWord(trace.BaseID) || !strings.HasPrefix(trace.BaseID, typed) {
			continue
		}
		offers = append(offers, offer(trace))
		if len(offers) == completionItems {
			break
		}
	}
	return offers
}

// isPlainWord reports whether id is one literal word in every shell and not a
// flag of osp. Completion scripts evaluate the words of a
// command line, so that a base id with a quote, a dollar sign or a parenthesis
// could run a command in the operator's shell.
func isPlainWord(id string) bool {
	if id == "" || id[0] == '-' || len(id) > completionBytes {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("._:@+-", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// offer describes a trace by its time. A timestamp that tells no time is left
// out, because any text may stand there.
func offer(trace store.Trace) cobra.Completion {
	if at := trace.Time(); !at.IsZero() {
		return cobra.CompletionWithDesc(trace.BaseID, at.UTC().Format(listTime))
	}
	return trace.BaseID
}

// The line of cobra's script for fish that puts the words of the command line
// unquoted into a text that is evaluated, and the lines that stand for it.
//
// The command itself is quoted, too, because the folder that holds it can have
// any name. fish does not expand a quoted ~ or $HOME, so the script does. If
// the first word still names no command (a variable, an alias), the script
// runs the osp in PATH.
const (
	fishUnquoted = "set -l args (commandline -opc)\n"
	fishQuoted   = `set -l args (commandline -opc)
    if string match -q -- '~/*' $args[1]
        set args[1] $HOME(string sub -s 2 -- $args[1])
    else if string match -q -- '$HOME/*' $args[1]
        set args[1] $HOME(string sub -s 6 -- $args[1])
    end
    if not command -q -- $args[1]
        command -q osp; or return
        set args[1] osp
    end
    set args (string escape -- $args)
`
)

// quoteInFish changes the verb that writes the completion script for fish. In
// cobra's own script a file name or an argument in quotes can run a command,
// because the script evaluates it without the quotes.
func quoteInFish(root *cobra.Command) {
	fish, _, err := root.Find([]string{"completion", "fish"})
	if err != nil {
		panic(err) // cobra has no such verb any more: a programming error
	}
	fish.RunE = verb(func(cmd *cobra.Command, _ []string) error {
		bare, err := cmd.Flags().GetBool("no-descriptions")
		if err != nil {
			return err
		}
		var script bytes.Buffer
		if err := root.GenFishCompletion(&script, !bare); err != nil {
			return err
		}
		if strings.Count(script.String(), fishUnquoted) != 1 {
			return errors.New("the completion script for fish is not the known one and may be unsafe")
		}
		text := strings.Replace(script.String(), fishUnquoted, fishQuoted, 1)
		return writeTo(cmd.Context(), "", cmd.OutOrStdout(), func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
	})
}
