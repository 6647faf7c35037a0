package relay

import "slices"

// Counts says what was copied.
type Counts struct {
	Read    int            // notifications that the source gave
	Skipped int            // entries of the source that could not be read, without those of other programs
	Foreign int            // entries of other programs, which the source keeps
	Partial bool           // the source has more than it gave: see [store.DamageError]
	Targets []TargetCounts // in the order of the targets
}

// TargetCounts says what became of the notifications that the source gave.
type TargetCounts struct {
	Written int // were written, or would be in a dry run
	Present int // were in the target already, or came more than once
	Refused int // were refused by the target, for a reason of their own
}

func (c Counts) clone() Counts {
	c.Targets = slices.Clone(c.Targets)
	return c
}
