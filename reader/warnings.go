package reader

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// warnings collects what is odd, by kind: how often, and a few examples. It
// stays small whatever the trace.
type warnings [kinds]struct {
	count    int
	examples []string
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

// sentence holds the warning for one and for many; %d is how many, %s the examples.
var sentence = [kinds]struct{ one, many string }{
	duplicate:     {"%d notification came twice and counts once: %s", "%d notifications came more than once and count once: %s"},
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
	mostDamage   = 20 // each says where
	mostRunes    = 80
)

func (w *warnings) note(kind warningKind, example string) {
	most := mostExamples
	if kind == damagedEntry {
		most = mostDamage
	}
	w[kind].count++
	if len(w[kind].examples) < most {
		w[kind].examples = append(w[kind].examples, example)
	}
}

func (w *warnings) sentences() []string {
	var all []string
	for kind := range kinds {
		noted := &w[kind]
		if noted.count == 0 {
			continue
		}
		if kind == damagedEntry {
			all = append(all, noted.examples...)
			if more := noted.count - len(noted.examples); more > 0 {
				all = append(all, fmt.Sprintf("skipped %d more entries that cannot be read", more))
			}
			continue
		}
		text := sentence[kind].many
		if noted.count == 1 {
			text = sentence[kind].one
		}
		all = append(all, fmt.Sprintf(text, noted.count, list(noted.examples, noted.count)))
	}
	return all
}

// list quotes the examples, so that nothing in them reaches a terminal raw.
func list(examples []string, count int) string {
	quoted := make([]string, len(examples))
	for i, e := range examples {
		quoted[i] = quote(e)
	}
	text := strings.Join(quoted, ", ")
	if count > len(examples) {
		text += " and others"
	}
	return text
}

func quote(text string) string {
	if utf8.RuneCountInString(text) > mostRunes {
		text = string([]rune(text)[:mostRunes]) + "…"
	}
	return strconv.QuoteToGraphic(text)
}
