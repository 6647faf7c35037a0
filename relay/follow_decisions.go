package relay

import (
	"fmt"
	"strconv"
)

// A decision determines whether later notifications of a trace are selected.
type decision struct {
	selected bool
	entry    uint64 // in the journal, or 0
}

// mostDecisions is how many decisions one generation remembers.
const mostDecisions = 50_000

// decisions has two generations. The older one is dropped when the newer one is full.
type decisions struct{ newer, older map[string]decision }

func (d *decisions) find(baseID string) (decision, bool) {
	if found, ok := d.newer[baseID]; ok {
		return found, true
	}
	found, ok := d.older[baseID]
	return found, ok
}

// decide notes a decision, also in the journal.
func (t *traceFilter) decide(baseID string, selected bool) {
	d := decision{selected: selected}
	if t.journal != nil {
		kind := byte(droppedEntry)
		if selected {
			kind = selectedEntry
		}
		d.entry = t.journal.add(kind, strconv.Quote(baseID))
	}
	t.remember(baseID, d)
}

func (t *traceFilter) remember(baseID string, d decision) {
	if len(t.decided.newer) >= mostDecisions {
		for _, old := range t.decided.older {
			if old.entry != 0 {
				t.journal.remove(old.entry)
			}
		}
		t.decided.older, t.decided.newer = t.decided.newer, nil
	}
	if t.decided.newer == nil {
		t.decided.newer = map[string]decision{}
	}
	t.decided.newer[baseID] = d
}

// noteConditions notes the conditions in the journal. If an earlier relay had other
// conditions, its decisions stay, because a dropped trace cannot become whole any more, and
// part of a selected trace is in the targets. Held notifications are judged by the new
// conditions.
func (t *traceFilter) noteConditions(entries []entry) {
	before, now := t.journal.note, t.canonical()
	if before == now {
		return
	}
	t.journal.setNote(now)
	if before == "" { // a new journal, or one of a relay that noted no conditions
		return
	}
	held, decided := 0, 0
	for _, e := range entries {
		if e.kind == heldEntry {
			held++
		} else {
			decided++
		}
	}
	if held+decided > 0 {
		t.f.warn(fmt.Errorf("the conditions of the filter differ from those of the earlier relay (%s): the decisions on %d traces stay, and %d notifications of undecided traces are judged by the new conditions", before, decided, held))
	}
}
