package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

//go:embed bus.py
var busScript string

// A busSubject is a kind of message bus to measure.
type busSubject struct {
	name  string
	fresh func() (url string, drop func() error, err error)      // returns an empty bus, and drops it
	bare  func(ctx context.Context, url string) (bareBus, error) // returns its bare client library
	// How the bare client library publishes and takes, for the table.
	publishes, takes string
	// lacks has the reason for each kind of work that Python's library does not do: notify
	// or take.
	lacks map[string]string
}

// A bareBus is the client library of a bus, used in its fastest way without our code.
type bareBus interface {
	// publish sends all bodies and waits until each is confirmed.
	publish(ctx context.Context, bodies [][]byte) error
	// take consumes count messages, acknowledges them as often as our code does, and
	// returns their bodies.
	take(ctx context.Context, count int) (bodies [][]byte, err error)
	close() error
}

// takenAtOnce is the number of messages after which the bare client acknowledges.
const takenAtOnce = 1000

var buses = []busSubject{
	{
		name: "rabbitmq", fresh: testenv.NewRabbitMQ, bare: openRabbitMQ,
		publishes: "basic.publish of a batch, and all its confirms", takes: "basic.consume, an ack for each 1,000",
	},
	{
		name: "kafka", fresh: testenv.NewKafka, bare: openKafka,
		publishes: "ProduceSync of a batch, acks=all", takes: "PollFetches in a group, a commit for each 1,000",
		lacks: map[string]string{"take": "its listener reads another topic than its notifier writes, because only the notifier adds the virtual host"},
	},
}

func busNames() (names []string) {
	for _, b := range buses {
		names = append(names, b.name)
	}
	return names
}

// busSizes are the amounts of work with a bus.
type busSizes struct {
	writeRounds, batches int // rounds of publishing, and batches of each round
	notify               int // notifications that Python writes
	take                 int // notifications on the bus that are taken at once
	takeRounds           int
}

var usualBus = busSizes{writeRounds: 20, batches: 2, notify: 2000, take: 40_000, takeRounds: 5}

// A busMeasurement measures one bus.
type busMeasurement struct {
	busSubject
	busSizes
	python string
	ends   []func() error // close calls these, the last first
}

// A busRow is one kind of work with a bus: the seconds for each notification. The
// seconds of Python are 0 if Python does not do the work.
type busRow struct {
	bus, work          string
	ours, bare, python float64
	alone              string // how the bare client does the work
}

const busExplained = `
With message buses, each by its own settings; the best of several times, by turns, as notifications/s:
  export    through ExportSpans, %[1]d spans in a batch, each confirmed; the bare client publishes the same bodies; Python: notify
  publish   the same, from ready notifications through Store.Write
  take      %[2]d notifications, by Store.Consume; the bare client takes them; Python: a listener of oslo.messaging
  to file   relay.Copy of as many from relay.FromConsumer into a file, beside the same bare client
  to redis  the same into Redis

`

// compareBuses measures publishing and taking, compares with the bare client library of
// the bus and with Python, and prints a table.
func compareBuses(ctx context.Context, w io.Writer, python string, chosen []busSubject, size busSizes) error {
	if len(chosen) == 0 {
		return nil
	}
	var all []busRow
	for _, b := range chosen {
		m := &busMeasurement{busSubject: b, busSizes: size, python: python}
		rows, err := m.run(ctx)
		if err := errors.Join(err, m.close()); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		all = append(all, rows...)
	}
	return printBuses(w, all, chosen, size)
}

func (m *busMeasurement) run(ctx context.Context) ([]busRow, error) {
	published, bodies, err := m.publishing(ctx)
	if err != nil {
		return nil, err
	}
	taken, err := m.taking(ctx, bodies)
	return append(published, taken...), err
}

func (m *busMeasurement) close() (err error) {
	for _, end := range slices.Backward(m.ends) {
		err = errors.Join(err, end())
	}
	return err
}

// empty returns an empty bus with the queues or topics that our writer declares, and its
// bare client library. close drops the bus.
func (m *busMeasurement) empty(ctx context.Context) (url string, client bareBus, err error) {
	url, drop, err := m.fresh()
	if err != nil {
		return "", nil, err
	}
	m.ends = append(m.ends, drop)
	s, err := store.Open(ctx, url)
	if err == nil {
		err = errors.Join(s.Ping(ctx), s.Close())
	}
	if err != nil {
		return "", nil, err
	}
	if client, err = m.bare(ctx, url); err != nil {
		return "", nil, err
	}
	m.ends = append(m.ends, client.close)
	return url, client, nil
}

// ask is like measurement.ask, for a bus.
func (m *busMeasurement) ask(ctx context.Context, work string, how map[string]any) (seconds float64, err error) {
	if _, lacks := m.lacks[work]; lacks {
		return 0, nil
	}
	answer := map[string]float64{}
	err = askPython(ctx, m.python, busScript, map[string]any{work: how}, &answer)
	return answer[work], err
}

func printBuses(w io.Writer, all []busRow, chosen []busSubject, size busSizes) error {
	fmt.Fprintf(w, busExplained, batchSize, size.take)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "bus\twork\tours\tbare\tPython\tours : bare\tours : Python\t  bare client")
	for _, r := range all {
		python, ratio := "-", "-"
		if r.python > 0 {
			python, ratio = speed(r.python), fmt.Sprintf("%.1f", r.python/r.ours)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.2f\t%s\t  %s\n", r.bus, r.work, speed(r.ours), speed(r.bare), python, r.bare/r.ours, ratio, r.alone)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var stores []subject
	for _, b := range chosen {
		stores = append(stores, subject{name: b.name, lacks: b.lacks})
	}
	return printLacks(w, stores)
}

// chooseBuses returns the buses with these names.
func chooseBuses(names string) (chosen []busSubject, err error) {
	for _, name := range strings.FieldsFunc(names, func(r rune) bool { return r == ',' }) {
		i := slices.Index(busNames(), name)
		if i < 0 {
			err = errors.Join(err, fmt.Errorf("%q is no bus that is measured; these are: %s", name, strings.Join(busNames(), ", ")))
			continue
		}
		chosen = append(chosen, buses[i])
	}
	return chosen, err
}

// newFile returns the connection string of a new file, and removes the file.
func newFile() (url string, drop func() error, err error) {
	dir, err := os.MkdirTemp("", "osp-bench-")
	return "file://" + filepath.Join(dir, "traces.jsonl"), func() error { return os.RemoveAll(dir) }, err
}
