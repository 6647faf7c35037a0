package relay

import "slices"

// Counts reports what was copied.
type Counts struct {
	Read    int            // notifications that the source yielded
	Skipped int            // entries of the source that could not be read, without those of other programs
	Foreign int            // entries of other programs, which stay in the source
	Partial bool           // the source has more than it yielded: see [store.DamageError]
	Targets []TargetCounts // in the order of the targets
}

// TargetCounts reports what happened to the notifications that the source yielded.
type TargetCounts struct {
	Written int // notifications that were written, or would be in a dry run
	Present int // notifications that were in the target already, or came more than once
	Refused int // notifications that the target refused individually
}

func (c Counts) clone() Counts {
	c.Targets = slices.Clone(c.Targets)
	return c
}
