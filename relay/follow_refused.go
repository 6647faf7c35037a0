package relay

import "fmt"

// keptIn is where a refused notification is kept.
type keptIn int

const (
	keptNowhere  keptIn = iota // nowhere that the relay knows of
	keptInSource               // such as a message bus
	keptAsLetter               // a dead letter
)

// clause returns the end of a sentence about one refused notification or several.
func (k keptIn) clause(source string, count int64) string {
	switch {
	case k == keptInSource && count == 1:
		return "; it stays in " + source
	case k == keptInSource:
		return "; they stay in " + source
	case k == keptAsLetter && count == 1:
		return "; it is in the dead letters now"
	case k == keptAsLetter:
		return "; they are in the dead letters now"
	}
	return ""
}

// refusalTexts counts the refusals that are reported in one line: those of a target with the
// same reason, such as both halves of a span.
type refusalTexts struct {
	order []refusalText
	count map[refusalText]int64
	why   map[refusalText]error
}

type refusalText struct {
	target, reason string
	kept           keptIn
	unnamed        bool
}

// add counts a refusal.
func (t *refusalTexts) add(r *refusal, kept keptIn) {
	key := refusalText{r.target, r.reason.Error(), kept, r.count > 0}
	if t.count == nil {
		t.count, t.why = map[refusalText]int64{}, map[refusalText]error{}
	}
	if t.count[key] == 0 {
		t.order = append(t.order, key)
		t.why[key] = r.reason
	}
	t.count[key] += r.notifications()
}

// each calls warn for each target and reason.
func (t *refusalTexts) each(source string, warn func(error)) {
	for _, key := range t.order {
		count, why := t.count[key], t.why[key]
		which := "a notification"
		if count > 1 {
			which = fmt.Sprintf("%d notifications", count)
		}
		if key.unnamed {
			warn(fmt.Errorf("%s refuses %s and does not say which: %w", key.target, which, why))
			continue
		}
		warn(fmt.Errorf("%s refuses %s of %s: %w%s", key.target, which, source, why, key.kept.clause(source, count)))
	}
}
