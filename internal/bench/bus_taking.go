package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A taker takes notifications from a bus of its own.
type taker struct {
	work   string
	client bareBus // fills the bus
	// take takes all notifications. rest, if it is not nil, does the work after take that
	// is not measured.
	take func(ctx context.Context, count int) (rest func() error, err error)
	time best
}

// taking measures how notifications are taken from a bus that is full of bodies.
func (m *busMeasurement) taking(ctx context.Context, bodies [][]byte) (rows []busRow, err error) {
	// All bodies must differ, because a relay writes a repeated notification only once.
	full := bodies[:min(len(bodies), m.take)]
	takers, err := m.takers(ctx)
	if err != nil {
		return nil, err
	}
	for range m.takeRounds {
		for _, t := range takers {
			if err := t.round(ctx, full); err != nil {
				return nil, fmt.Errorf("%s: %w", t.work, err)
			}
		}
	}
	python, err := m.pythonTakes(ctx, full)
	if err != nil {
		return nil, err
	}
	count := float64(len(full))
	bare := takers[0].time.seconds / count
	for _, t := range takers[1:] {
		row := busRow{m.name, t.work, t.time.seconds / count, bare, 0, m.takes}
		if t.work == "take" {
			row.python = python / count
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// round fills the bus and takes everything.
func (t *taker) round(ctx context.Context, full [][]byte) error {
	for from := 0; from < len(full); from += 2 * batchSize {
		if err := t.client.publish(ctx, full[from:min(from+2*batchSize, len(full))]); err != nil {
			return err
		}
	}
	var rest func() error
	err := t.time.time(func() (err error) {
		rest, err = t.take(ctx, len(full))
		return err
	})
	if err == nil && rest != nil {
		err = rest()
	}
	return err
}

// takers returns the bare client first.
func (m *busMeasurement) takers(ctx context.Context) (all []*taker, err error) {
	type take = func(ctx context.Context, count int) (rest func() error, err error)
	add := func(work string, takeBy func(url string, client bareBus) take) {
		url, client, failed := m.empty(ctx)
		if err = errors.Join(err, failed); err == nil {
			all = append(all, &taker{work: work, client: client, take: takeBy(url, client)})
		}
	}
	add("bare", func(_ string, client bareBus) take {
		return func(ctx context.Context, count int) (func() error, error) {
			bodies, err := client.take(ctx, count)
			return nil, errors.Join(err, came(len(bodies), count))
		}
	})
	add("take", func(url string, _ bareBus) take {
		return func(ctx context.Context, count int) (func() error, error) { return nil, consume(ctx, url, count) }
	})
	to := func(fresh func() (string, func() error, error)) func(url string, _ bareBus) take {
		return func(url string, _ bareBus) take {
			return func(ctx context.Context, count int) (func() error, error) { return m.relayTo(ctx, url, fresh, count) }
		}
	}
	add("to file", to(newFile))
	add("to redis", to(testenv.NewRedisDB))
	return all, err
}

// consume takes notifications by our Store.
func consume(ctx context.Context, url string, count int) error {
	s, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	c, err := s.Consume(ctx)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	taken := 0
	for _, failed := range c.Take(ctx) {
		if err = failed; err != nil {
			break
		}
		if taken++; taken%takenAtOnce == 0 || taken == count {
			err = c.Acknowledge(ctx, c.Position())
		}
		if taken == count || err != nil {
			break
		}
	}
	return errors.Join(err, came(taken, count), c.Close(), s.Close())
}

// relayTo copies notifications from a bus into a new store. It returns when the target
// has all of them. rest waits for the end of the relay, which ends when no more come.
func (m *busMeasurement) relayTo(ctx context.Context, url string, fresh func() (string, func() error, error), count int) (rest func() error, err error) {
	to, drop, err := fresh()
	if err != nil {
		return nil, err
	}
	m.ends = append(m.ends, drop)
	from, err := store.Open(ctx, url+"?idle_timeout=3") // also on a busy machine, it ends only when all came
	if err != nil {
		return nil, err
	}
	target, err := store.Open(ctx, to)
	if err != nil {
		return nil, errors.Join(err, from.Close())
	}
	copied, ended := make(chan struct{}), make(chan error, 1)
	there := sync.OnceFunc(func() { close(copied) })
	go func() {
		source := relay.FromConsumer(from)
		counts, err := relay.Copy(ctx, source, []relay.Target{relay.ToStore(target)}, relay.WithProgress(func(c relay.Counts) {
			if c.Targets[0].Written == count {
				there()
			}
		}))
		there()
		if err == nil && counts.Targets[0].Written != count {
			err = fmt.Errorf("the relay ended with %+v instead of %d", counts, count)
		}
		ended <- errors.Join(err, source.Close(), target.Close(), from.Close())
	}()
	<-copied
	return func() error { return <-ended }, nil
}

// pythonTakes returns the seconds of a Python listener for everything.
func (m *busMeasurement) pythonTakes(ctx context.Context, full [][]byte) (float64, error) {
	if m.lacks["take"] != "" {
		return 0, nil
	}
	url, client, err := m.empty(ctx)
	if err != nil {
		return 0, err
	}
	if err := (&taker{client: client, take: func(context.Context, int) (func() error, error) { return nil, nil }}).round(ctx, full); err != nil {
		return 0, err
	}
	return m.ask(ctx, "take", map[string]any{"url": url, "count": len(full)})
}
