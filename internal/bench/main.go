// Command bench compares this project with the Python library, without a store and
// with each real store and message bus. For each store and bus, it also compares this
// project with the bare client library. All of them do the same work in one run. The
// command prints tables.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// notificationsOfReport is the size of the trace for the report without a store.
const notificationsOfReport = 100_000

// serviceRuns is the number of measurements of each kind of service.
const serviceRuns = 3

func main() {
	stores := flag.String("stores", strings.Join(subjectNames(), ","), "the stores to measure")
	buses := flag.String("buses", strings.Join(busNames(), ","), "the message buses to measure")
	withLibrary := flag.Bool("library", true, "measure what needs no store")
	memory := flag.Int("memory", 1_000_000, "measure the memory of listing among so many traces; 0 leaves it out")
	service := flag.Int("service", 300_000, "measure what so many spans cost a service; 0 leaves it out")
	otlp := flag.Int("otlp", 1_000_000, "measure the way of so many notifications from a file to OTLP; 0 leaves it out")
	receiving := flag.Int("otlp-in", 100_000, "measure receiving so many spans by OTLP, beside an OpenTelemetry Collector, which is built; 0 leaves it out")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	if work := os.Getenv(serviceEnvironment); work != "" {
		if err := beService(ctx, work); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if work := os.Getenv(otlpEnvironment); work != "" {
		if err := beOTLP(ctx, work); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	err := run(ctx, *withLibrary, *stores, *buses, *memory, *service, *otlp, *receiving)
	stop()
	if err := errors.Join(append(testenv.EndAll(), err)...); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, withLibrary bool, stores, buses string, memory, service, otlp, receiving int) error {
	chosen, err := choose(stores)
	chosenBuses, other := chooseBuses(buses)
	if err := errors.Join(err, other); err != nil {
		return err
	}
	python, err := testenv.DebianPython()
	if err != nil {
		return err
	}
	if withLibrary {
		if err := library(os.Stdout, python, notificationsOfReport); err != nil {
			return err
		}
	}
	if service > 0 {
		if err := serviceTable(ctx, os.Stdout, serviceRuns, service); err != nil {
			return err
		}
	}
	if otlp > 0 {
		newest, err := testenv.NewestPython()
		if err == nil {
			err = otlpTable(ctx, os.Stdout, python, newest, otlp)
		}
		if err != nil {
			return err
		}
	}
	if receiving > 0 {
		if err := receivingTable(ctx, os.Stdout, receiving, receivingRuns, true); err != nil {
			return err
		}
	}
	if err := compareBuses(ctx, os.Stdout, python, chosenBuses, usualBus); err != nil {
		return err
	}
	if len(chosen) == 0 {
		return nil
	}
	if err := compareStores(ctx, os.Stdout, python, chosen, usual); err != nil || memory == 0 {
		return err
	}
	return memoryTable(ctx, os.Stdout, python, chosen, memory)
}

// choose returns the subjects with these names.
func choose(names string) (chosen []subject, err error) {
	for _, name := range strings.FieldsFunc(names, func(r rune) bool { return r == ',' }) {
		i := slices.Index(subjectNames(), name)
		if i < 0 {
			err = errors.Join(err, fmt.Errorf("%q is no store that is measured; these are: %s", name, strings.Join(subjectNames(), ", ")))
			continue
		}
		chosen = append(chosen, subjects[i])
	}
	return chosen, err
}
