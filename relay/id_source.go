package relay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// FromBaseIDs returns the source of the traces with these base ids. If there is no trace with
// an id as it is given, the source looks for the id's canonical form: lower case with dashes.
// Ids that do not exist are reported as a [store.ErrNotFound] at the end, after the other
// traces were read. The caller closes the store.
func FromBaseIDs(s *store.Store, baseIDs []string, opts ...StoreOption) Source {
	return &idSource{store: s, storeConfig: newStoreConfig(opts), baseIDs: baseIDs}
}

type idSource struct {
	storeConfig
	consumable

	store   *store.Store
	baseIDs []string
	next    int      // index of the id that is read next
	missing []string // quoted ids of traces that do not exist
}

// Name implements Source.
func (s *idSource) Name() string { return s.store.Name() }

// Read implements Source.
func (s *idSource) Read(ctx context.Context) sequence {
	ids := func(*consumer) int { return s.next }
	return resumed(ctx, s.retry, ids, func(c *consumer) error {
		for s.next < len(s.baseIDs) {
			if err := s.readNext(ctx, c); err != nil || c.left {
				return err
			}
			s.next++
		}
		if s.missing == nil {
			return nil
		}
		missing := strings.Join(s.missing, ", ")
		s.missing = nil
		return fmt.Errorf("%w: %s", store.ErrNotFound, missing)
	})
}

// readNext reads the trace of the next id.
func (s *idSource) readNext(ctx context.Context, c *consumer) error {
	id := s.baseIDs[s.next]
	err := readTrace(ctx, s.store, id, c)
	if u, ok := osprofiler.ParseUUID(id); ok && errors.Is(err, store.ErrNotFound) && u.String() != id {
		err = readTrace(ctx, s.store, u.String(), c)
	}
	if errors.Is(err, store.ErrNotFound) {
		s.missing = append(s.missing, strconv.Quote(id))
		return nil
	}
	return err
}

// readTrace hands the notifications of one trace on. It does not drop equal ones, because
// that would keep the whole trace in memory.
func readTrace(ctx context.Context, s *store.Store, baseID string, c *consumer) error {
	for n, err := range s.Notifications(ctx, baseID, store.KeepDuplicates()) {
		if store.Ends(err) {
			return err
		}
		if !c.take(n, err) {
			return nil
		}
	}
	return nil
}

// Position implements Source. It is always empty, because a source of chosen traces is read
// from its beginning.
func (s *idSource) Position() Position { return "" }

// Acknowledge implements Source.
func (s *idSource) Acknowledge(context.Context, Position) error { return nil }

// Close implements Source.
func (s *idSource) Close() error { return nil }
