package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/osprofiler-otel/osprofiler/relay"
)

// forwarded describes in a sentence what was copied to the only target.
func forwarded(c relay.Counts, dryRun bool) string {
	return fmt.Sprintf("%s read, %s%s", counted(c.Read, "notification"), writtenCounts(c.Targets[0], dryRun), leftOut(c))
}

// readCounts describes what a source yielded.
func readCounts(c relay.Counts) string {
	return counted(c.Read, "notification") + " read" + leftOut(c)
}

// leftOut describes the entries of the source that are not notifications.
func leftOut(c relay.Counts) (text string) {
	if c.Skipped > 0 {
		text += fmt.Sprintf(", %s skipped", counted(c.Skipped, "unreadable entry"))
	}
	if c.Foreign > 0 {
		text += fmt.Sprintf(", %s of other programs left alone", counted(c.Foreign, "message"))
	}
	return text
}

// writtenCounts describes what was copied to a target.
func writtenCounts(t relay.TargetCounts, dryRun bool) string {
	written := "written"
	if dryRun {
		written = "would be written"
	}
	text := fmt.Sprintf("%s %s, %s there already", humanize.Comma(int64(t.Written)), written, humanize.Comma(int64(t.Present)))
	if t.Refused > 0 {
		text += fmt.Sprintf(", %s refused", humanize.Comma(int64(t.Refused)))
	}
	return text
}

// notForwarded returns an error about the entries of the source that a target did not get, or
// nil if there are no such entries.
func notForwarded(c relay.Counts, dryRun bool) error {
	lost := c.Skipped
	for _, t := range c.Targets {
		lost += t.Refused
	}
	switch {
	case lost == 0 && c.Partial:
		return errors.New("the source has more than was read")
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
