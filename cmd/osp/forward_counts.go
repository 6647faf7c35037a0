package main

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/osprofiler-otel/osprofiler/relay"
)

// forwarded says in a sentence what was copied to the one target.
func forwarded(c relay.Counts, dryRun bool) string {
	target, written := c.Targets[0], "written"
	if dryRun {
		written = "would be written"
	}
	text := fmt.Sprintf("%s read, %s %s, %s there already",
		counted(c.Read, "notification"), humanize.Comma(int64(target.Written)), written, humanize.Comma(int64(target.Present)))
	if target.Refused > 0 {
		text += fmt.Sprintf(", %s refused", humanize.Comma(int64(target.Refused)))
	}
	if c.Skipped > 0 {
		text += fmt.Sprintf(", %s skipped", counted(c.Skipped, "unreadable entry"))
	}
	return text
}

// notForwarded returns an error about the entries of the source that the target
// did not get, or nil if there are none.
func notForwarded(c relay.Counts, dryRun bool) error {
	lost := c.Targets[0].Refused + c.Skipped
	switch {
	case lost == 0:
		return nil
	case dryRun:
		return fmt.Errorf("%s of the source cannot be forwarded; everything else would be", counted(lost, "entry"))
	}
	return fmt.Errorf("%s of the source could not be forwarded; everything else was", counted(lost, "entry"))
}

// counted writes a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok && !strings.ContainsAny(stem[len(stem)-1:], "aeiou") {
		return humanize.Comma(int64(n)) + " " + stem + "ies"
	}
	return humanize.Comma(int64(n)) + " " + noun + "s"
}
