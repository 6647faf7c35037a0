package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Follow gives to every target what the sources have and what they get, until the
// context ends. It is [NewFollower] and [Follower.Run].
func Follow(ctx context.Context, from []Source, to []Target, opts ...FollowOption) (Stats, error) {
	f := NewFollower(from, to, opts...)
	err := f.Run(ctx)
	return f.Stats(), err
}

// A Follower follows sources. Each window of a source goes to all targets, which
// write at the same time. The source hears of its position when every target has
// what lies before it.
type Follower struct {
	followConfig

	sources []*sourceRun
	workers []*worker
	held    *traceFilter    // nil without a filter
	work    context.Context // of what is finished after the end of Run's context
	told    sync.Mutex      // is held while warning is called
}

// NewFollower returns a Follower that has not begun. The sources and the targets stay
// the caller's to close after Run: the sources first, then the targets, then what
// [WithState] and [WithDeadLetters] were given.
func NewFollower(from []Source, to []Target, opts ...FollowOption) *Follower {
	f := &Follower{followConfig: newFollowConfig(opts)}
	names := map[string]int{}
	for _, source := range from {
		f.sources = append(f.sources, newSourceRun(f, source, names))
	}
	clear(names)
	for _, target := range to {
		f.workers = append(f.workers, newWorker(f, target, names))
	}
	if f.filter != nil {
		f.held = newTraceFilter(f, *f.filter)
	}
	f.lookInStores()
	return f
}

// uniqueName returns the name, with a number if it was used before.
func uniqueName(name string, names map[string]int) string {
	if names[name]++; names[name] > 1 {
		return fmt.Sprintf("%s (number %d)", name, names[name])
	}
	return name
}

// Run follows until the context ends. Then it stops reading, gives to the targets what
// was read, acknowledges it, and returns, all within the time of [WithGrace]. It
// returns nil if every target has what was read; otherwise the error says what stays
// in which source. Run is called once.
//
// A target that fails is tried again without end, with growing pauses. The sources
// wait meanwhile. A source that fails is tried again in the same way, and the others go
// on. Run returns an error before the context ends only if a source fails before it
// ever worked, for a reason that does not pass ([store.IsTransient]): a wrong password,
// an unknown name. The other sources are finished then as if the context had ended.
func (f *Follower) Run(ctx context.Context) error {
	if f.filter != nil {
		if err := f.filter.Validate(); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	f.work = work
	defer context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(f.grace, cancel)
		context.AfterFunc(work, func() { timer.Stop() })
	})()
	if err := f.restore(); err != nil {
		return err
	}
	f.started()
	var working sync.WaitGroup
	ended := make(chan struct{})
	for _, w := range f.workers {
		working.Go(func() { w.run(ctx, ended) })
	}
	errs := f.runSources(ctx, stop)
	close(ended)
	working.Wait()
	return errors.Join(append(errs, f.closeFilter())...)
}

// runSources runs the sources and the filter, and returns when they have ended. stop
// ends their context.
func (f *Follower) runSources(ctx context.Context, stop func()) []error {
	errs := make([]error, len(f.sources))
	var reading, filtering sync.WaitGroup
	for i, s := range f.sources {
		reading.Go(func() {
			if errs[i] = s.run(ctx); errs[i] != nil {
				stop()
			}
		})
	}
	if f.held != nil {
		filtering.Go(func() { f.held.run(ctx) })
	}
	reading.Wait()
	filtering.Wait()
	return errs
}

// restore reads the state directory.
func (f *Follower) restore() error {
	if f.state == nil {
		return nil
	}
	var sinks []string
	for _, w := range f.workers {
		if t, ok := w.target.(*exporterTarget); ok {
			sinks = append(sinks, w.name)
			if err := t.open(f.state, w.name, f.warn); err != nil {
				return err
			}
		}
	}
	f.state.warnOfOthers(sinks, f.warn)
	for _, s := range f.sources {
		if err := s.restore(); err != nil {
			return err
		}
	}
	if f.held != nil {
		return f.held.open(f.state)
	}
	return f.state.refuseHeld(f.warn)
}

func (f *Follower) closeFilter() error {
	if f.held == nil {
		return nil
	}
	return f.held.close()
}

// lookInStores makes the sinks look in the stores for the other half of an operation
// that another relay may have.
func (f *Follower) lookInStores() {
	var stores []*storeTarget
	for _, w := range f.workers {
		if t, ok := w.target.(*storeTarget); ok && t.can.Read && !t.can.Peek {
			stores = append(stores, t)
		}
	}
	for _, w := range f.workers {
		if t, ok := w.target.(*exporterTarget); ok {
			for _, s := range stores {
				t.lookIn = append(t.lookIn, s.store)
			}
		}
	}
}

// warn calls the function of WithWarning.
func (f *Follower) warn(err error) {
	f.told.Lock()
	defer f.told.Unlock()
	f.warning(err)
}

// Stats returns what was done so far. It may be called at any time.
func (f *Follower) Stats() Stats {
	var s Stats
	for _, source := range f.sources {
		s.Sources = append(s.Sources, source.describe())
	}
	for _, w := range f.workers {
		s.Targets = append(s.Targets, w.describe())
	}
	if f.held != nil {
		f.held.describe(&s)
	}
	return s
}
