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

// The limits of one completion.
const (
	completionTime   = time.Second / 2 // how long it may take
	completionTraces = 2000            // how many traces it reads
	completionItems  = 50              // how many base ids it offers
	completionBytes  = 255             // the longest base id that it offers
)

// completeBaseID reads the newest traces and offers the base ids that begin with the typed
// text, each with the time of its trace. It offers only literal words ([isPlainWord]). Other
// ids do not count towards the limit, so that an attacker's ids do not displace the valid
// ones. After an error it offers the ids that it has.
func completeBaseID(ctx context.Context, connection, typed string) (offers []cobra.Completion) {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	r, err := openReader(ctx, connection)
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

// isPlainWord reports whether id is one literal word in every shell, and not a flag
// of osp. Completion scripts evaluate the words of a command line. A base id with a
// quote, a dollar sign or a parenthesis could therefore run a command in the
// operator's shell.
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

// offer returns the base id of a trace, described by the trace's time. If the
// timestamp is not a time, offer omits it, because it may be any text.
func offer(trace store.Summary) cobra.Completion { return offerAs(trace.BaseID, trace) }

// offerAs is offer for another word than the base id.
func offerAs(word string, trace store.Summary) cobra.Completion {
	if at := trace.Time(); !at.IsZero() {
		return cobra.CompletionWithDesc(word, at.UTC().Format(listTime))
	}
	return word
}

// fishUnquoted is the line of cobra's script for fish that puts the words of the command
// line, unquoted, into a text that fish evaluates. fishQuoted replaces it.
//
// fishQuoted quotes the command too, because the folder of the command can have
// any name. fish does not expand a quoted ~ or $HOME, so the script does. If the
// first word then names no command (a variable, an alias), the script runs the osp
// in PATH.
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

// quoteInFish changes the verb that writes the completion script for fish. With
// cobra's own script a file name or an argument in quotes can run a command,
// because the script evaluates it without the quotes.
func quoteInFish(root *cobra.Command) {
	fish, _, err := root.Find([]string{"completion", "fish"})
	if err != nil {
		panic(err) // a programming error: this version of cobra has no such verb
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
			return errors.New("cannot write the completion script for fish: this version of cobra generates another script, which may be unsafe")
		}
		text := strings.Replace(script.String(), fishUnquoted, fishQuoted, 1)
		return writeTo(cmd.Context(), "", cmd.OutOrStdout(), func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
	})
}
