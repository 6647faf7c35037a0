package redis

import (
	"context"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/outcome"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// Write implements driver.Writer. It sends one pipeline, in which each trace is
// one push. nil means that the server has carried out the whole pipeline. The
// server's settings (appendfsync) decide whether the batch survives a crash of
// the server, and WithReplicas whether it survives a failover. The error is
// either a *store.WriteError, which names the notifications that were not
// acknowledged, or the error of the context. After the latter, any of the
// notifications may be stored or not.
//
// If the connection breaks and the batch has large notifications, Write sends
// the rest again, each large notification by itself. A notification that the
// server does not accept is then named in Refused, and the others are stored.
func (d *database) Write(ctx context.Context, batch []osprofiler.Notification) error {
	if err := d.checkReplicas(); err != nil {
		return err
	}
	all := make([]int, len(batch))
	for i := range all {
		all[i] = i
	}
	a, err := d.attempt(ctx, batch, all)
	if err != nil {
		return err
	}
	if a.suspicious {
		if sizes := largeSizes(batch, a.Missing()); len(sizes) > 0 {
			return d.isolate(ctx, batch, a.Outcome, sizes).Err()
		}
	}
	return a.Err()
}

// checkReplicas refuses WithReplicas where WAIT would count the replicas of
// another server than the one that got the batch.
func (d *database) checkReplicas() error {
	if _, ok := d.client.(*goredis.Client); d.replicas > 0 && !ok {
		return fmt.Errorf("cannot wait for %d replicas of %s, as osp_replicas asks: that needs one server, not a cluster or a ring: %w", d.replicas, d.name, errors.ErrUnsupported)
	}
	return nil
}

// An attempt is the outcome of one pipeline.
type attempt struct {
	*outcome.Outcome

	// suspicious reports that a large notification may be the cause, because the
	// connection broke or the server has no memory left.
	suspicious bool
}

// attempt sends the notifications with these indices in one pipeline. The error
// is the error of the context.
func (d *database) attempt(ctx context.Context, batch []osprofiler.Notification, indices []int) (attempt, error) {
	pushes := d.pushes(batch, indices)
	sent, err := call(ctx, d, func(ctx context.Context) (sentPipeline, error) {
		return d.send(ctx, pushes), nil
	})
	if err != nil {
		return attempt{}, err
	}
	return d.outcome(ctx, batch, pushes, sent), nil
}

// A push is one command that writes notifications of one trace.
type push struct {
	baseID  string
	indices []int  // into the batch
	values  []any  // strings of JSON in the order of the batch, so that the last one becomes the newest entry
	failure []byte // the error record; nil if no notification failed

	length  *goredis.IntCmd
	expires *goredis.BoolCmd   // may be nil
	record  *goredis.StatusCmd // may be nil
}

// maxValues is how many values one push has at most. Redis before 7 accepts a
// command of up to 1,048,576 words and breaks the connection when a command is
// longer.
const maxValues = 1 << 16

// pushes returns the commands that write the notifications with these indices.
// The commands keep only strings of the batch, because sending may continue after
// the caller has given up. A notification that was converted or parsed has its
// JSON already, which is sent without a copy.
func (d *database) pushes(batch []osprofiler.Notification, indices []int) []*push {
	var all []*push
	byID := map[string]*push{}
	for _, i := range indices {
		n := &batch[i]
		id := driver.Text(n.BaseID)
		p := byID[id]
		if p == nil || len(p.values) == maxValues {
			p = &push{baseID: id}
			byID[id] = p
			all = append(all, p)
		}
		p.values = append(p.values, n.JSON())
		p.indices = append(p.indices, i)
		if d.filterErrorTrace && n.Info.Failed() {
			p.failure = errorRecord(n)
		}
	}
	return all
}

// A sentPipeline contains the end of a pipeline, besides the results of its
// pushes.
type sentPipeline struct {
	waited *goredis.IntCmd // for replicas; may be nil
	err    error           // of sending; the commands of a pipeline that was not sent have no errors
}

// send sends all pushes in one pipeline, in the order in which the Python library
// writes: first the list, then the record of the trace's failure.
func (d *database) send(ctx context.Context, pushes []*push) (sent sentPipeline) {
	pipe := d.client.Pipeline()
	for _, p := range pushes {
		key := listPrefix + p.baseID
		p.length = pipe.LPush(ctx, key, p.values...)
		if d.ttl > 0 {
			p.expires = pipe.Expire(ctx, key, d.ttl)
		}
		if p.failure != nil {
			p.record = pipe.Set(ctx, errorPrefix+p.baseID, p.failure, d.ttl)
		}
	}
	if d.replicas > 0 {
		// WAIT ends before the client's own timeout, so that the answer comes
		// from the server. A timeout of 0 would mean no limit.
		sent.waited = goredis.NewIntCmd(ctx, "wait", d.replicas, max(1, (d.timeout*3/4).Milliseconds()))
		_ = pipe.Process(ctx, sent.waited) // this only queues the command
	}
	_, sent.err = pipe.Exec(ctx)
	return sent
}

var (
	errNoAnswer = errors.New("the server gave no answer")
	errExpired  = errors.New("a trace's list expired between the push and the setting of its new time to live")
)

// err returns why a push may not have been carried out. The answer to a push
// that was carried out is the length of the list.
func (p *push) err() error {
	if err := p.length.Err(); err != nil {
		if isWrongType(err) {
			err = fmt.Errorf("the key %q should be a list: %w", listPrefix+p.baseID, err)
		}
		return err
	}
	if p.length.Val() < int64(len(p.values)) {
		return errNoAnswer
	}
	if p.expires != nil {
		if err := p.expires.Err(); err != nil {
			return err
		}
		if !p.expires.Val() {
			return errExpired
		}
	}
	if p.record != nil {
		return p.record.Err()
	}
	return nil
}

// outcome returns the outcome for the notifications of a pipeline.
func (d *database) outcome(ctx context.Context, batch []osprofiler.Notification, pushes []*push, sent sentPipeline) attempt {
	a := attempt{Outcome: outcome.Of(batch)}
	for _, p := range pushes {
		err := p.err()
		if errors.Is(err, errNoAnswer) && sent.err != nil {
			err = sent.err
		}
		switch {
		case err == nil:
		case isWrongType(p.length.Err()):
			a.Refuse(d.explain(ctx, err), p.indices...)
		default:
			a.Miss(d.explain(ctx, err), isTransient(err), p.indices...)
			a.suspicious = a.suspicious || isSuspicious(err)
		}
	}
	if err := d.replicationError(sent.waited); err != nil {
		for _, p := range pushes { // a failover may lose the notifications that were pushed
			if p.err() == nil {
				a.Miss(d.explain(ctx, err), isTransient(err), p.indices...)
			}
		}
	}
	return a
}

var errReplicas = errors.New("too few replicas")

// replicationError returns why it is not certain that as many replicas as
// WithReplicas demands have the batch.
func (d *database) replicationError(waited *goredis.IntCmd) error {
	if waited == nil {
		return nil
	}
	if err := waited.Err(); err != nil {
		return err
	}
	if replicas := waited.Val(); replicas < int64(d.replicas) {
		return explained.New(errReplicas, "%d of the %d replicas of %s that osp_replicas asks for have the batch", replicas, d.replicas, d.name)
	}
	return nil
}
