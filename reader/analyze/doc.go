// Package analyze finds out what a trace has to tell: where its time went, what was
// repeated, what failed first, and what is different in another trace. Its functions
// are pure: they read a [reader.Report] and change nothing.
//
//	a := analyze.Trace(report)      // an [Analysis]
//	d := analyze.Diff(before, now)  // a [Difference]
//	err := analyze.Folded(w, report) // for flame graphs
//
// The results are written as JSON by [encoding/json]. The members are stable: they
// keep their names and meanings, and new ones may come. Times are whole
// microseconds, rounded down, in members whose names end in _us. Lists are never
// null.
//
// An operation is named by its index in the order of [reader.Report.Nodes]. The
// index -1 stands for no operation, or for the trace itself.
//
// # The interval of an operation
//
// All definitions of this package are about the interval of an operation. Usually it
// is the time from its start to its stop. If a time is not known, the operation
// covers what is known of it and of the operations below it:
//
//   - Without a stop, it ends with the last operation below it, and not before its start.
//   - Without a start, it begins with the first operation below it, and not after its stop.
//   - If a timestamp of it cannot be read, both hold.
//   - If it stops before it starts, the clocks disagree. The stop does not count.
//   - If nothing of it and of the operations below it has a time, it has no interval.
//     It is counted, and has a share in nothing else.
//
// The interval of an operation without a duration is used for the critical path, for
// self times and for gaps. It is no duration: sums of durations and the slowest
// operations leave it out.
//
// The trace begins with the first event and ends with the last one, as in the text view.
// Intervals are cut off there. If clocks were corrected, it ends with the last interval.
//
// # Critical path
//
// The critical path consists of the operations that decided when the trace ended. It is
// found from the end of the trace to its begin. At each time, the path is in the child
// that was running, and there in the child that was running, and so on. If no child was
// running, the time is self time of the operation. If several children were running, the
// one that ended first is on the path, because that one is the most likely to have let
// the next one on the path begin. Of children that ended at the same time, the one that
// began first counts. A child of which the end overlaps with the next one on the path is
// on the path up to the begin of that one.
//
//   - Each time belongs to one operation. No operation is on the path for longer than its
//     self time.
//   - A child that ends after its parent, such as a cast, is on the path until its own
//     end. The end of a child is that of the last operation below it. The time between
//     the end of a parent and the begin of such a child is waiting.
//   - A child that begins before its parent is on the path from the begin of its parent
//     on. A child that ended before its parent began is not on the path.
//   - The trace itself is the parent of the operations at the top, with no time of its
//     own. The time between them is waiting.
//
// So the parts of the path follow one another without a gap, and their sum is the
// duration of the trace.
//
// # Clocks
//
// Clocks of several hosts differ. If a child is on another host than its parent, is
// shorter, and is wholly before or after it, the clock of its host is wrong. The child is
// moved into the middle of its parent, and with it everything on its host. RPC and other
// functions that are after their parents are not moved, because their callers may not have
// waited for them.
// [Analysis.Skew] and a finding tell what was moved. The reports and the durations stay as
// they are.
//
// # Self time
//
// The self time of an operation is its interval without the intervals of its
// children. Children that overlap count once. The parts of a child outside of its
// parent do not count. The sum of all self times is at least the time in which
// any operation ran. It is equal if at any time all operations that run are one below
// the other, and greater if some ran side by side.
//
// # Labels
//
// Operations are counted together if they have the same label: the same project,
// service and name, and the same call. The call is an SQL statement without its literals
// ([tags.Redaction.SQL]) and with (…) for each list of values, except for SELECT 1, with
// which pools test their connections; or the method and the URL of a request, with {id}
// for each part of the path that is a number or an id, without the values of its query and
// without an ephemeral port; or the name of a function.
//
// The name of an object in a path has no form of its own. It is recognized by comparison.
// Requests have one label with {name} if they differ only in parts of the path that stand
// behind a plural ("servers") and are none of some known words ("detail"), and if one
// operation made at least three of them. Two requests of this kind have one label in
// [Diff] if each of them is the only one that the other trace does not have. Their names
// are {a|b}.
//
// # Repeated calls
//
// Calls are repeated if at least three children of one operation have the same
// label. Statements that run in a loop (the N+1 problem), and requests that are sent
// for each of many objects, are of this kind.
//
// # Gaps
//
// A gap of the trace is a time between its begin and its end in which no operation
// ran. A gap of an operation is a part of its self time, if it has children: the
// trace does not tell what happened in it.
//
// # Failures
//
// An operation failed because of a child if that failed with the same type of error, or if
// it failed and no other child began after that. Of several such children the last one
// counts, one with the same type of error before the others. The root of a failure is a
// failed operation that did not fail because of a child. It is the deepest one. Its top is
// the outermost operation that failed because of it. If the operation above the top did not
// fail because of it, the failure was handled.
//
// # Differences
//
// See [Diff].
package analyze
