package reader

import (
	"fmt"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/safetext"
)

// warnings counts the oddities of a trace by kind, with a few examples of each.
// Its size does not depend on the trace.
type warnings [kinds]struct {
	count    int
	examples []string // each once
	others   bool     // whether there are more
}

type warningKind int

const (
	damagedEntry warningKind = iota
	duplicate
	missingMember
	badTime
	noHost
	repeatedName
	orphan
	cycle
	noStart
	noStop
	negative
	kinds
)

// templates are the warnings for one oddity and for several: %d is their number,
// %s the examples.
var templates = [kinds]struct{ one, many string }{
	duplicate:     {"%d repeated notification was dropped: %s", "%d repeated notifications were dropped: %s"},
	missingMember: {"%d member is missing in a notification: %s", "%d members are missing in notifications: %s"},
	badTime:       {"%d timestamp cannot be read: %s", "%d timestamps cannot be read: %s"},
	noHost:        {"%d operation does not say its host: %s", "%d operations do not say their host: %s"},
	repeatedName:  {"%d operation has several different notifications of one name: %s", "%d operations have several different notifications of one name: %s"},
	orphan:        {"%d operation stands at the top because its parent is not in the trace: %s", "%d operations stand at the top because their parents are not in the trace: %s"},
	cycle:         {"%d operation stands at the top because it is, through its parents, its own ancestor: %s", "%d operations stand at the top because they are, through their parents, their own ancestors: %s"},
	noStart:       {"%d operation has no start notification: %s", "%d operations have no start notification: %s"},
	noStop:        {"%d operation has no stop notification: %s", "%d operations have no stop notification: %s"},
	negative:      {"%d operation stops before it starts, so its clocks disagree: %s", "%d operations stop before they start, so their clocks disagree: %s"},
}

const (
	mostExamples = 3
	mostDamage   = 20 // each warning names another entry
)

func (w *warnings) add(kind warningKind, example string) {
	most := mostExamples
	if kind == damagedEntry {
		most = mostDamage
	}
	w[kind].count++
	switch {
	case kind != damagedEntry && slices.Contains(w[kind].examples, example):
	case len(w[kind].examples) < most:
		w[kind].examples = append(w[kind].examples, example)
	default:
		w[kind].others = true
	}
}

func (w *warnings) sentences() []string {
	var all []string
	for kind := range kinds {
		of := &w[kind]
		if of.count == 0 {
			continue
		}
		if kind == damagedEntry {
			all = append(all, of.examples...)
			if more := of.count - len(of.examples); more > 0 {
				all = append(all, fmt.Sprintf("skipped %d more entries that cannot be read", more))
			}
			continue
		}
		text := templates[kind].many
		if of.count == 1 {
			text = templates[kind].one
		}
		all = append(all, fmt.Sprintf(text, of.count, list(of.examples, of.others)))
	}
	return all
}

// list quotes the examples, so that they cannot control a terminal.
func list(examples []string, others bool) string {
	quoted := make([]string, len(examples))
	for i, e := range examples {
		quoted[i] = safetext.Quote(e)
	}
	text := strings.Join(quoted, ", ")
	if others {
		text += " and others"
	}
	return text
}
