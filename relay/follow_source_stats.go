package relay

import (
	"time"

	"github.com/osprofiler-otel/osprofiler"
)

// describe returns the statistics.
func (s *sourceRun) describe() SourceStats {
	stats := SourceStats{
		Name: s.name, Read: s.read.Load(), Skipped: s.skipped.Load(), Foreign: s.foreign.Load(),
		DeadLetters: s.dead.Load(), Refused: s.refused.Load(), Unacknowledged: s.unacknowledged.Load(),
	}
	if oldest := s.oldest.Load(); oldest != 0 && stats.Unacknowledged > 0 {
		stats.Lag = time.Since(time.Unix(0, oldest))
	}
	if newest := s.newest.Load(); newest != nil {
		stats.Newest, _ = osprofiler.ParseTime(*newest)
	}
	if last := s.last.Load(); last != 0 {
		stats.LastRead = time.Unix(0, last)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stats.LastProgress = s.success
	stats.Retried, stats.Worked, stats.Err, stats.Since = s.retried, s.worked, s.err, s.since
	if stats.Err == nil {
		s.keeping.mu.Lock()
		defer s.keeping.mu.Unlock()
		stats.Err, stats.Since = s.keeping.err, s.keeping.since
	}
	return stats
}
