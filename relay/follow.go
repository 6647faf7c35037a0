package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Follow gives every target the notifications that the sources have and will get, until the
// context ends. It is [NewFollower] and [Follower.Run].
func Follow(ctx context.Context, from []Source, to []Target, opts ...FollowOption) (Stats, error) {
	f := NewFollower(from, to, opts...)
	err := f.Run(ctx)
	return f.Stats(), err
}

// A Follower follows sources. Each window of a source goes to all targets, which write at the
// same time. The position is acknowledged to the source when every target has everything
// before it.
type Follower struct {
	followConfig

	sources []*sourceRun
	workers []*worker
	held    *traceFilter    // nil without a filter
	work    context.Context // for the work that is finished after the end of Run's context
	told    sync.Mutex      // locked while warning is called
}

// NewFollower returns a Follower that has not begun. After Run the caller closes the sources
// first, then the targets, and then the arguments of [WithState] and [WithDeadLetters].
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

// uniqueName returns the name, with a number appended if it was used before.
func uniqueName(name string, names map[string]int) string {
	if names[name]++; names[name] > 1 {
		return fmt.Sprintf("%s (number %d)", name, names[name])
	}
	return name
}

// Run follows until the context ends. Then it stops reading, gives to the targets what was
// read, acknowledges it, and returns, all within the time of [WithGrace]. It returns nil if
// every target has what was read. Otherwise the error says how much stays in which source.
// Run is called once.
//
// A target that fails is tried again without end, with growing pauses. The sources wait
// meanwhile. A source that fails is tried again in the same way, and the other sources
// continue. Run returns an error before the context ends only if a source fails before it
// ever worked, for a reason that is not transient ([store.IsTransient]), such as a wrong
// password or an unknown name. The other sources are then finished as if the context had
// ended.
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

// runSources runs the sources and the filter, and returns when they have ended. If a source
// fails, it calls stop, which ends the context of the others.
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

// lookInStores gives the sinks the stores in which to look for the other half of an operation
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

// Stats returns the statistics so far. It may be called at any time.
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
