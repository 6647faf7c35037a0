package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Write implements store.Store: one pipeline, in which each trace is one push.
// nil means that the server has carried out all of it; whether it outlives the
// server is the server's affair (appendfsync), and whether it outlives a
// failover that of WithReplicas. The error is a *store.WriteError that names
// what was not acknowledged.
func (s *Store) Write(ctx context.Context, batch []osprofiler.Notification) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	if write, err := backend.ToWrite(batch, s.readOnly, s.place); !write {
		return err
	}
	pushes := s.pushes(batch)
	done, err := call(ctx, s, func(ctx context.Context) (pushed, error) {
		return s.push(ctx, pushes), nil
	})
	if err != nil {
		return err // the context's end, or the store's
	}
	return s.outcome(ctx, pushes, done)
}

// A push is what is written of one trace.
type push struct {
	baseID  string
	at      []int // which of the batch
	values  []any // *value, in the order of the batch: the last one comes to stand first
	room    []byte
	failure []byte
	done    []goredis.Cmder
}

// A value is encoded when it is sent: meanwhile the server carries out what
// was sent before it.
type value struct {
	osprofiler.Notification

	push *push
}

// MarshalBinary is called by the client library, for one value of a push after
// the other, and what it returns is copied at once.
func (v *value) MarshalBinary() ([]byte, error) {
	v.push.room = v.AppendJSON(v.push.room[:0])
	return v.push.room, nil
}

// pushes sorts a batch by traces. It copies the batch, as sending it may go on
// when the caller has given up.
func (s *Store) pushes(batch []osprofiler.Notification) []*push {
	var all []*push
	byID := map[string]*push{}
	values := make([]value, len(batch))
	for i := range batch {
		n := &batch[i]
		id := backend.Text(n.BaseID)
		p := byID[id]
		if p == nil {
			p = &push{baseID: id}
			byID[id] = p
			all = append(all, p)
		}
		values[i] = value{*n, p}
		p.values = append(p.values, &values[i])
		p.at = append(p.at, i)
		if s.filterErrorTrace && n.Info.Failed() {
			p.failure = errorRecord(n)
		}
	}
	return all
}

// pushed is how a pipeline ended, besides what its commands say.
type pushed struct {
	waited *goredis.IntCmd // for replicas; may be nil
	err    error           // where it was not sent, its commands say nothing
}

// push sends all in one pipeline, in the order in which upstream writes: the
// list first, then the record of its failure.
func (s *Store) push(ctx context.Context, pushes []*push) (done pushed) {
	pipe := s.client.Pipeline()
	for _, p := range pushes {
		key := listPrefix + p.baseID
		p.done = append(p.done, pipe.LPush(ctx, key, p.values...))
		if s.ttl > 0 {
			p.done = append(p.done, pipe.Expire(ctx, key, s.ttl))
		}
		if p.failure != nil {
			p.done = append(p.done, pipe.Set(ctx, errorPrefix+p.baseID, p.failure, s.ttl))
		}
	}
	if s.replicas > 0 {
		// Shorter than the client's own patience, so that the answer is the server's.
		done.waited = goredis.NewIntCmd(ctx, "wait", s.replicas, (s.timeout * 3 / 4).Milliseconds())
		_ = pipe.Process(ctx, done.waited) // it only queues
	}
	_, done.err = pipe.Exec(ctx)
	return done
}

// outcome makes one error of those of the commands.
func (s *Store) outcome(ctx context.Context, pushes []*push, done pushed) error {
	var missing []int
	var reason error
	transient := false
	for _, p := range pushes {
		if err := p.err(); err != nil {
			if errors.Is(err, errNoAnswer) && done.err != nil {
				err = done.err
			}
			missing = append(missing, p.at...)
			transient = transient || isTransient(err)
			if reason == nil {
				reason = err
			}
		}
	}
	if reason != nil {
		slices.Sort(missing)
		return &store.WriteError{Missing: missing, Transient: transient, Err: s.explain(ctx, reason)}
	}
	return s.replicated(ctx, done.waited)
}

// replicated makes an error of too few replicas: all of the batch may be
// missing after a failover.
func (s *Store) replicated(ctx context.Context, waited *goredis.IntCmd) error {
	if waited == nil {
		return nil
	}
	if err := waited.Err(); err != nil {
		return &store.WriteError{Transient: isTransient(err), Err: s.explain(ctx, err)}
	}
	if got := waited.Val(); got < int64(s.replicas) {
		return &store.WriteError{Transient: true, Err: fmt.Errorf("%d of the %d replicas of %s that osp_replicas asks for have the batch", got, s.replicas, s.place)}
	}
	return nil
}

var errNoAnswer = errors.New("the server gave no answer")

// err returns why a trace's part of the batch is not known to be there. A push
// that was acknowledged has the length of the list as its answer.
func (p *push) err() error {
	for _, cmd := range p.done {
		err := cmd.Err()
		if isWrongType(err) {
			err = fmt.Errorf("the key %q should be a list: %w", listPrefix+p.baseID, err)
		}
		if err != nil {
			return err
		}
	}
	if pushed, ok := p.done[0].(*goredis.IntCmd); !ok || pushed.Val() < int64(len(p.values)) {
		return errNoAnswer
	}
	return nil
}
