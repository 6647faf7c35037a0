package loginsightserver

import (
	"strings"
	"time"
	"unicode"
)

// A memory holds the events, and for each token of a short field the events that
// have it.
type memory struct {
	events []stored
	index  map[string][]int // by field and token
	long   map[string][]int // by field: the events whose content is not in the index
}

// A stored is an event with the time from which on queries find it.
type stored struct {
	Event
	visible time.Time
}

func newMemory() memory { return memory{index: map[string][]int{}, long: map[string][]int{}} }

// mostIndexed is the length in bytes of the longest content that is in the index.
const mostIndexed = 512

func (m *memory) add(e Event, visible time.Time) {
	number := len(m.events)
	m.events = append(m.events, stored{e, visible})
	for _, f := range e.Fields {
		switch {
		case f.Content == nil:
		case len(*f.Content) > mostIndexed:
			m.long[f.Name] = append(m.long[f.Name], number)
		default:
			for _, token := range tokens(*f.Content) {
				key := f.Name + "/" + token
				if list := m.index[key]; len(list) == 0 || list[len(list)-1] != number {
					m.index[key] = append(list, number)
				}
			}
		}
	}
}

// candidates returns the numbers of the events that may match the constraints. all is
// true if every event may match.
func (m *memory) candidates(constraints []constraint) (numbers []int, all bool) {
	counts := map[string]int{}
	for _, c := range constraints {
		counts[c.field+c.operator]++
	}
	for _, c := range constraints {
		if c.operator != "CONTAINS" || c.field == textField || isAdded(c.field) || len(c.tokens) == 0 || strings.ContainsAny(c.value, "*?") {
			continue
		}
		if counts[c.field+c.operator] == 1 {
			return append(append([]int(nil), m.index[c.field+"/"+c.tokens[0]]...), m.long[c.field]...), false
		}
		var union []int
		for _, other := range constraints {
			if other.field == c.field && other.operator == c.operator {
				if len(other.tokens) == 0 || strings.ContainsAny(other.value, "*?") {
					return nil, true
				}
				union = append(union, m.index[c.field+"/"+other.tokens[0]]...)
			}
		}
		return append(union, m.long[c.field]...), false
	}
	return nil, true
}

// tokens splits a text into its tokens, in small letters. A token has letters,
// digits, hyphens and underscores.
func tokens(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !isTokenRune(r) })
}

func isTokenRune(r rune) bool {
	return r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// queryTokens are tokens that may have wildcards.
func queryTokens(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !isTokenRune(r) && r != '*' && r != '?' })
}
