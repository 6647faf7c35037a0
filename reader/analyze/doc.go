// Package analyze analyses traces: where the time of a trace went, what was repeated, what
// failed first, and how another trace differs. Its functions are pure: they read a
// [reader.Report] and change nothing.
//
//	a := analyze.Trace(report)      // an [Analysis]
//	d := analyze.Diff(before, now)  // a [Difference]
//	err := analyze.Folded(w, report) // for flame graphs
//
// The results are written as JSON by [encoding/json]. The members are stable: they keep their
// names and meanings, and new ones may be added. Times are whole microseconds, rounded down,
// in members whose names end in _us. Lists are never null.
//
// An operation is named by its index in the order of [reader.Report.Nodes]. The
// index -1 stands for no operation, or for the trace itself.
//
// # The interval of an operation
//
// All definitions of this package refer to the interval of an operation. Usually that is the
// time from its start to its stop. If one of these times is not known, the interval covers
// the known times of the operation and of the operations below it:
//
//   - Without a stop, it ends with the last operation below it, and not before its start.
//   - Without a start, it begins with the first operation below it, and not after its stop.
//   - If one of its timestamps cannot be read, both rules apply.
//   - If it stops before it starts, the clocks disagree. The stop does not count.
//   - If neither it nor any operation below it has a time, it has no interval.
//     It is counted, and is ignored in everything else.
//
// The interval of an operation without a duration is used for the critical path, for self
// times and for gaps. It is not a duration: sums of durations and the slowest operations
// leave it out.
//
// The trace begins with the first event and ends with the last one, as in the text view.
// Intervals are cut off there. If clocks were corrected, the trace ends with the last
// interval.
//
// # Critical path
//
// The critical path consists of the operations that decided when the trace ended. It is
// computed from the end of the trace back to its begin. At each time, the path goes down to
// the child that was running, then to the child of that one that was running, and so on. If
// no child was running, the time is self time of the operation. If several children were
// running, the one that ended first is on the path, because it is the most likely to have let
// the next one on the path begin. If several children ended at the same time, the one that
// began first is on the path. If a child overlaps with the next one on the path, it is on the
// path up to the begin of the next one.
//
//   - Each time belongs to one operation. No operation is on the path for longer than its
//     self time.
//   - A child that ends after its parent, such as a cast, is on the path until its own
//     end. The end of a child is that of the last operation below it. The time between
//     the end of a parent and the begin of such a child is waiting.
//   - A child that begins before its parent is on the path only from the begin of its parent.
//     A child that ended before its parent began is not on the path.
//   - The trace itself is the parent of the operations at the top, with no time of its
//     own. The time between them is waiting.
//
// So the parts of the path follow one another without a gap, and their sum is the
// duration of the trace.
//
// # Clocks
//
// Clocks of several hosts differ. If a child is on another host than its parent, is shorter,
// and is entirely before or after its parent, the clock of its host is wrong. The child is
// moved into the middle of its parent, and with it everything on its host. RPC and other
// functions that are after their parents are not moved, because their callers may not have
// waited for them. [Analysis.Skew] and a finding describe what was moved. The reports and the
// durations stay as they are.
//
// # Self time
//
// The self time of an operation is its interval without the intervals of its children.
// Children that overlap count once. The parts of a child outside of its parent do not count.
// The sum of all self times is at least the time in which any operation ran. The sum is equal
// to that time if at any time all running operations are one below the other, and greater if
// some ran side by side.
//
// # Labels
//
// Operations are counted together if they have the same label: the same project, service and
// name, and the same call. The call is one of these:
//
//   - An SQL statement without its literals ([tags.Redaction.SQL]) and with (…) for each list of
//     values. SELECT 1 keeps its literal, because pools test their connections with it.
//   - The method and the URL of a request, with {id} for each part of the path that is a number or
//     an id, without the values of its query and without an ephemeral port.
//   - The name of a function.
//
// The name of an object in a path has no recognizable form. It is recognized by comparison.
// Requests get one label with {name} if two conditions apply. They differ only in parts of
// the path that follow a plural ("servers") and are not one of some known words ("detail").
// And one operation made at least three of them. In [Diff], two such requests get one label
// if each of them is the only one that the other trace does not have. Their names are then
// {a|b}.
//
// # Repeated calls
//
// Calls are repeated if at least three children of one operation have the same label.
// Examples are statements that run in a loop (the N+1 problem), and requests that are sent
// for each of many objects.
//
// # Gaps
//
// A gap of the trace is a time between its begin and its end in which no operation ran. A gap
// of an operation is a part of its self time, if it has children: the trace does not show
// what happened in it.
//
// # Failures
//
// An operation failed because of a child if that child failed with the same type of error, or
// if the child failed and no other child began after that. If there are several such
// children, the last one with the same type of error counts, or else the last one. The root
// of a failure is a failed operation that did not fail because of a child. It is the deepest
// one. Its top is the outermost operation that failed because of it. If the operation above
// the top did not fail because of it, the failure was handled.
//
// # Differences
//
// See [Diff].
package analyze
