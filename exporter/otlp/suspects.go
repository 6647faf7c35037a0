package otlp

import (
	"context"
	"slices"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// A target that answers 500 has not refused the spans, because it may fail with every
// request. A span is refused only if the target failed with this span alone, accepted
// another span after that, and both happened as often as confirmations says.
const confirmations = 2

// maxProbes is how often a call probes the target while it divides requests. A probe sends
// a span again that the target took before. At the end of the call there may be one more.
const maxProbes = 2

// A suspect is a span with which the target failed.
type suspect struct {
	at      int
	isAlone bool // the target took another span after it had failed with this one alone
	err     *failure
}

// remember records a span that the target took.
func (d *delivery) remember(at int) {
	s := d.spans[at]
	d.known.Store(&s)
}

// takesKnown sends a span again that the target took before, and reports whether the
// target takes it. If so, the target does not fail with all spans. Without this check, the
// spans with which a target fails would be sent for ever, and the spans behind them never.
// If no span is known yet, some spans of the call are tried.
func (d *delivery) takesKnown(ctx context.Context) bool {
	d.probes++
	if known := d.known.Load(); known != nil {
		return d.takesCopy(ctx, *known)
	}
	last := len(d.spans) - 1
	for _, at := range []int{last, last / 2, last * 3 / 4} {
		if !d.isSuspect(at) && d.takesCopy(ctx, d.spans[at]) {
			d.remember(at)
			return true
		}
	}
	return false
}

// takesCopy sends a span that was or will be sent elsewhere in the call, too.
func (d *delivery) takesCopy(ctx context.Context, s sdktrace.ReadOnlySpan) bool {
	d.batch.fill(d.Exporter, []sdktrace.ReadOnlySpan{s}, unlimited)
	rejected := d.rejected
	err := d.send(ctx)
	d.rejected = rejected
	return err == nil
}

func (d *delivery) isSuspect(at int) bool {
	return slices.ContainsFunc(d.suspects, func(s suspect) bool { return s.at == at })
}

// decide refuses the suspects that cause the failures, after everything else was sent.
// The others stay suspects.
func (d *delivery) decide(ctx context.Context) error {
	if len(d.suspects) == 0 {
		return nil
	}
	if last := d.suspects[len(d.suspects)-1]; !last.isAlone {
		d.takesKnown(ctx)
	}
	return d.confirm(ctx)
}

// confirm resends the suspects with which the target failed alone. It refuses those with
// which the target still fails while the target takes another span. An error says that
// nothing more can be sent.
func (d *delivery) confirm(ctx context.Context) error {
	var alone, others []suspect
	for _, s := range d.suspects {
		if s.isAlone {
			alone = append(alone, s)
		} else {
			others = append(others, s)
		}
	}
	d.suspects = nil // what the target takes now proves nothing about the others
	for i := 0; i < confirmations && len(alone) > 0; i++ {
		var err error
		alone, err = d.sendAgain(ctx, alone)
		if err != nil || len(alone) > 0 && !d.takesKnown(ctx) {
			d.suspects = slices.Concat(others, alone)
			return err
		}
	}
	d.suspects = others
	for _, s := range alone {
		d.refuse(s.at, s.err)
	}
	return nil
}

// sendAgain sends each suspect alone, and returns those with which the target fails.
func (d *delivery) sendAgain(ctx context.Context, suspects []suspect) (left []suspect, err error) {
	for i, s := range suspects {
		d.batch.fill(d.Exporter, d.spans[s.at:s.at+1], unlimited)
		err := d.send(ctx)
		if err == nil {
			d.remember(s.at)
			continue
		}
		if _, ok := refusesContent(err); !ok {
			return append(left, suspects[i:]...), err
		}
		left = append(left, s)
	}
	return left, nil
}
