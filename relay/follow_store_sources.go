package relay

import "github.com/osprofiler-otel/osprofiler/store"

// A resumer is a source whose position is kept in the state directory.
type resumer interface {
	// resume makes the source begin after the position, and makes Position return a cursor.
	resume(p Position)
	// restart makes the source begin at its beginning.
	restart()
}

// A follower is a source whose failures Follow itself retries.
type follower interface{ follow() }

// A redeliverer is a source that may know whether a notification was delivered before.
type redeliverer interface {
	// redelivered reports whether the last notification was delivered before. known is false
	// if the source does not know.
	redelivered() (is, known bool)
}

// The sources of stores in a Follow. The Follower retries their failures, so that it knows
// the state of the source.

// follow implements follower.
func (f *feedSource) follow() { f.retry = store.Retry{Elapsed: -1} }

// resume implements resumer. A cursor from the caller applies only if there is none from an
// earlier run.
func (f *feedSource) resume(p Position) {
	f.tracked = true
	if p != "" {
		f.from = store.Cursor(p)
	}
}

// restart implements resumer.
func (f *feedSource) restart() {
	if f.feed != nil {
		_ = f.feed.Close() // the feed is not needed any longer
		f.feed = nil
	}
	f.from = ""
}

// follow implements follower.
func (s *consumerSource) follow() { s.retry = store.Retry{Elapsed: -1} }

// canDispose implements disposer.
func (s *consumerSource) canDispose() bool { return s.consumption != nil && s.consumption.CanDispose() }

// dispose implements disposer.
func (s *consumerSource) dispose(p Position) {
	if s.consumption != nil {
		s.consumption.Dispose(string(p))
	}
}

// redelivered implements redeliverer.
func (s *consumerSource) redelivered() (is, known bool) {
	if s.consumption == nil {
		return false, false
	}
	return s.consumption.Redelivered()
}
