package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/backend"
)

// Write implements store.Store. It sends one pipeline, in which each trace is
// one push. nil means that the server has carried out all of it. The server's
// settings (appendfsync) decide whether the batch outlives the server, and
// WithReplicas whether it outlives a failover. The error is a *store.WriteError
// that names the notifications that were not acknowledged, or the end of the
// context or of the store, after which any of them may be stored or not.
//
// If the connection breaks and the batch has large notifications, Write sends
// the rest again, each large notification by itself. One that the server does
// not take is then named in Refused, and costs no other.
func (s *Store) Write(ctx context.Context, batch []osprofiler.Notification) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	if write, err := backend.ToWrite(batch, s.readOnly, s.place); !write {
		return err
	}
	if err := s.checkReplicas(); err != nil {
		return err
	}
	o, err := s.attempt(ctx, batch, indices(batch))
	if err != nil {
		return err // the context's end, or the store's
	}
	if o.suspicious {
		if large := largeAmong(batch, o.missing); len(large) > 0 {
			o = s.isolate(ctx, batch, o, large)
		}
	}
	return o.err()
}

// checkReplicas refuses WithReplicas where WAIT would count the replicas of
// another server than the one that got the batch.
func (s *Store) checkReplicas() error {
	if _, ok := s.client.(*goredis.Client); s.replicas > 0 && !ok {
		return fmt.Errorf("cannot wait for %d replicas of %s, as osp_replicas asks: that needs one server, not a cluster or a ring: %w", s.replicas, s.place, errors.ErrUnsupported)
	}
	return nil
}

// attempt sends those of a batch in one pipeline. Its error is the end of the context or of the store.
func (s *Store) attempt(ctx context.Context, batch []osprofiler.Notification, those []int) (outcome, error) {
	pushes := s.pushes(batch, those)
	done, err := call(ctx, s, func(ctx context.Context) (pushed, error) {
		return s.push(ctx, pushes), nil
	})
	if err != nil {
		return outcome{}, err
	}
	return s.outcome(ctx, pushes, done), nil
}

// A push is what is written of one trace by one command.
type push struct {
	baseID  string
	at      []int // indices into the batch
	values  []any // *value, in the order of the batch: the last one comes to stand first
	room    []byte
	failure []byte

	pushed  *goredis.IntCmd
	expires *goredis.BoolCmd   // may be nil
	record  *goredis.StatusCmd // of the failure; may be nil
}

// maxValues is how many values one push has. Redis before 7 takes a command of
// 1,048,576 words and breaks the connection at a longer one.
const maxValues = 1 << 16

// A value is encoded when it is sent: meanwhile the server carries out what
// was sent before it.
type value struct {
	osprofiler.Notification

	push *push // whose room is used; nil: each encoding has its own
}

// MarshalBinary is called by the client library, for one value of a push after
// the other, and what it returns is copied at once.
func (v *value) MarshalBinary() ([]byte, error) {
	if v.push == nil {
		return v.AppendJSON(nil), nil
	}
	v.push.room = v.AppendJSON(v.push.room[:0])
	return v.push.room, nil
}

// pushes sorts those of a batch by traces. It copies the batch, as sending it
// may go on when the caller has given up.
func (s *Store) pushes(batch []osprofiler.Notification, those []int) []*push {
	var all []*push
	byID := map[string]*push{}
	values := make([]value, len(those))
	// While slots move, a cluster's client may send a push to two nodes at once.
	shared := !s.isCluster()
	for j, i := range those {
		n := &batch[i]
		id := backend.Text(n.BaseID)
		p := byID[id]
		if p == nil || len(p.values) == maxValues {
			p = &push{baseID: id}
			byID[id] = p
			all = append(all, p)
		}
		values[j].Notification = *n
		if shared {
			values[j].push = p
		}
		p.values = append(p.values, &values[j])
		p.at = append(p.at, i)
		if s.filterErrorTrace && n.Info.Failed() {
			p.failure = errorRecord(n)
		}
	}
	return all
}

// indices are those of all of a batch.
func indices(batch []osprofiler.Notification) []int {
	all := make([]int, len(batch))
	for i := range all {
		all[i] = i
	}
	return all
}

// pushed is how a pipeline ended, besides what its commands say.
type pushed struct {
	waited *goredis.IntCmd // for replicas; may be nil
	err    error           // where it was not sent, its commands say nothing
}

// push sends all in one pipeline, in the order in which the Python library
// writes: the list first, then the record of its failure.
func (s *Store) push(ctx context.Context, pushes []*push) (done pushed) {
	pipe := s.client.Pipeline()
	for _, p := range pushes {
		key := listPrefix + p.baseID
		p.pushed = pipe.LPush(ctx, key, p.values...)
		if s.ttl > 0 {
			p.expires = pipe.Expire(ctx, key, s.ttl)
		}
		if p.failure != nil {
			p.record = pipe.Set(ctx, errorPrefix+p.baseID, p.failure, s.ttl)
		}
	}
	if s.replicas > 0 {
		// Shorter than the client's own patience, so that the answer is the
		// server's; 0 would be without end.
		done.waited = goredis.NewIntCmd(ctx, "wait", s.replicas, max(1, (s.timeout*3/4).Milliseconds()))
		_ = pipe.Process(ctx, done.waited) // it only queues
	}
	_, done.err = pipe.Exec(ctx)
	return done
}

var (
	errNoAnswer = errors.New("the server gave no answer")
	errGone     = errors.New("a trace's list expired between the push and the setting of its new time to live")
)

// err returns why a push is not known to be carried out. A push that was
// acknowledged has the length of the list as its answer.
func (p *push) err() error {
	if err := p.pushed.Err(); err != nil {
		if isWrongType(err) {
			err = fmt.Errorf("the key %q should be a list: %w", listPrefix+p.baseID, err)
		}
		return err
	}
	if p.pushed.Val() < int64(len(p.values)) {
		return errNoAnswer
	}
	if p.expires != nil {
		if err := p.expires.Err(); err != nil {
			return err
		}
		if !p.expires.Val() {
			return errGone
		}
	}
	if p.record != nil {
		return p.record.Err()
	}
	return nil
}

// outcome sums up what the commands of a pipeline say.
func (s *Store) outcome(ctx context.Context, pushes []*push, done pushed) (o outcome) {
	for _, p := range pushes {
		err := p.err()
		if errors.Is(err, errNoAnswer) && done.err != nil {
			err = done.err
		}
		switch {
		case err == nil:
		case isWrongType(p.pushed.Err()):
			o.refuse(p.at, s.explain(ctx, err))
		default:
			o.miss(p.at, s.explain(ctx, err), isTransient(err))
			o.suspicious = o.suspicious || isSuspicious(err)
		}
	}
	if err := s.replicated(done.waited); err != nil {
		for _, p := range pushes { // after a failover, those that were pushed may be missing, too
			if p.err() == nil {
				o.miss(p.at, s.explain(ctx, err), isTransient(err))
			}
		}
	}
	slices.Sort(o.missing)
	slices.Sort(o.refused)
	return o
}

var errReplicas = errors.New("too few replicas")

// replicated returns why it is not known that as many replicas as WithReplicas
// says have what was written.
func (s *Store) replicated(waited *goredis.IntCmd) error {
	if waited == nil {
		return nil
	}
	if err := waited.Err(); err != nil {
		return err
	}
	if got := waited.Val(); got < int64(s.replicas) {
		return &explainedError{fmt.Sprintf("%d of the %d replicas of %s that osp_replicas asks for have the batch", got, s.replicas, s.place), errReplicas}
	}
	return nil
}
