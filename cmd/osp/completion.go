package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/store"
)

// The limits of one completion: how long it may take, how many base ids it
// offers, and how long a base id may be.
const (
	completionTime  = 2 * time.Second
	completionItems = 50
	completionBytes = 255
)

// completeBaseID offers the newest base ids that begin with what was typed,
// each with the time of its trace. It offers nothing that a shell could take
// for more than a word. Such ids do not count as offers either, so that they
// cannot displace the others. If something goes wrong, it offers what it has.
func completeBaseID(ctx context.Context, connection, typed string) (offers []cobra.Completion) {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	r, err := openReader(ctx, connection, false)
	if err != nil {
		return nil
	}
	defer func() { _ = r.Close() }()                                         // nothing was written
	for trace, err := range r.Traces(ctx, store.Query{Limit: math.MaxInt}) { // with a limit the newest come first
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

// isPlainWord tells whether each shell takes id for one word that stands for
// itself, and osp for an argument. Completion scripts evaluate the words of a
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

// The line of cobra's script for fish that evaluates the words of the command
// line without their quotes, and the line that keeps the words as they are.
const (
	fishUnquoted = "set -l args (commandline -opc)\n"
	fishQuoted   = "set -l args (commandline -opc | string escape)\n"
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
