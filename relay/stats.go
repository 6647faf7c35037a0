package relay

import "time"

// Stats describes what a [Follower] has done since its beginning, and the state of its
// sources and targets.
type Stats struct {
	Sources []SourceStats // in the order of the sources
	Targets []TargetStats // in the order of the targets

	Filtered int64 // notifications that the filter dropped
	Held     int64 // notifications that the filter holds now

	// FilterErr is the reason why the filter cannot write its journal, and FilterSince when
	// that began. FilterErr is nil if the filter works. As long as it fails, the sources wait
	// as soon as there is something to be held.
	FilterErr   error
	FilterSince time.Time
}

// SourceStats describes a source.
type SourceStats struct {
	Name string

	Read        int64 // notifications that the source yielded, repeated ones included
	Skipped     int64 // entries that could not be read
	Foreign     int64 // entries of other programs, which stay in the source
	DeadLetters int64 // entries that were written to the dead letters
	Refused     int64 // notifications that a target refused and that stay in the source
	Retried     int64 // failures of the source, each followed by another try

	// Unacknowledged is the number of notifications that were read and not yet
	// acknowledged, and Lag the age of the oldest of them: the time since it was read.
	Unacknowledged int64
	Lag            time.Duration
	// Newest is the timestamp of the newest acknowledged notification. It is zero before
	// there is one.
	Newest time.Time

	// LastRead is when the source last yielded something. LastProgress is when it was last
	// read without a failure, whether it yielded something or not. Both are zero before that.
	LastRead, LastProgress time.Time

	// Worked is true if the source was read at least once without a failure.
	Worked bool
	// Err is the present failure of the source, and Since is when it began. Err is nil if the
	// source works.
	Err   error
	Since time.Time
}

// TargetStats describes a target.
type TargetStats struct {
	Name string
	Sink bool // it gets spans: see [ToExporter]

	Forwarded int64 // notifications that the target has taken, from all sources
	Present   int64 // notifications that a store had already
	Refused   int64 // notifications that were refused permanently
	Retried   int64 // failures of the target, each followed by another try

	// The following fields apply only to a sink.
	Spans      int64 // spans that were exported
	Paired     int64 // spans of a start and a stop
	Incomplete int64 // spans of one half: see [convert.MissingKey]
	Repaired   int64 // spans that were exported again as a whole, because the other half came late
	Elsewhere  int64 // halves of operations that another relay exports
	Duplicates int64 // notifications that were delivered again
	Waiting    int64 // halves that wait now

	// LastProgress is when the target last took something. It is zero before that.
	LastProgress time.Time

	// Worked is true if the target has taken something at least once.
	Worked bool
	// Err is the present failure of the target, and Since is when it began. Err is nil if the
	// target works.
	Err   error
	Since time.Time
}
