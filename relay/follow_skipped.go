package relay

import (
	"errors"
	"fmt"

	"github.com/osprofiler-otel/osprofiler/store"
)

// skip counts an entry that could not be read. The entry becomes a dead letter if it is a
// message that the source can remove.
func (s *sourceRun) skip(err error) {
	var damage *store.DamageError
	if !errors.As(err, &damage) {
		damage = &store.DamageError{}
	}
	switch {
	case damage.More:
		return
	case damage.Foreign:
		s.foreign.Add(1)
		return
	}
	s.skipped.Add(1)
	source, ok := s.source.(disposer)
	if ok && s.f.deadLetters != nil && damage.Body != nil && source.canDispose() {
		p := s.source.Position()
		reason := damage.Kind // unlike the error, it does not say that the message stays
		if reason == "" {
			reason = damage.Reason.Error()
		}
		s.d.letters = append(s.d.letters, newLetter(s.name, p, reason, damage.Body))
		s.d.disposed = append(s.d.disposed, p)
		s.d.bytes += len(damage.Body)
		s.warnOnce(fmt.Errorf("a message of %s cannot be read: %s; it goes to the dead letters", s.name, reason), reason)
		return
	}
	s.warnOnce(err, damage.Kind)
}

// mostKinds bounds how many kinds of unreadable entries are remembered for warnOnce.
const mostKinds = 1000

// warnOnce warns of an unreadable entry, once for each kind.
func (s *sourceRun) warnOnce(err error, kind string) {
	if kind == "" {
		kind = err.Error()
	}
	if s.kinds[kind] || len(s.kinds) >= mostKinds {
		return
	}
	if s.kinds == nil {
		s.kinds = map[string]bool{}
	}
	s.kinds[kind] = true
	s.f.warn(err)
}

// A disposer is a source that can remove a message which could not be read.
type disposer interface {
	canDispose() bool
	// dispose makes Acknowledge remove the message before the position.
	dispose(p Position)
}
