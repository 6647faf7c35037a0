// Command bench compares this project with the Python library, without a store and
// with each real store. With a store it also compares with the bare client library.
// All of them do the same work in one run. The command prints tables.
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

// serviceRuns is how often each kind of service is measured.
const serviceRuns = 3

func main() {
	stores := flag.String("stores", strings.Join(subjectNames(), ","), "the stores to measure")
	withLibrary := flag.Bool("library", true, "measure what needs no store")
	memory := flag.Int("memory", 1_000_000, "measure the memory of listing among so many traces; 0 leaves it out")
	service := flag.Int("service", 300_000, "measure what so many spans cost a service; 0 leaves it out")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	if work := os.Getenv(serviceEnvironment); work != "" {
		if err := beService(ctx, work); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	err := run(ctx, *withLibrary, *stores, *memory, *service)
	stop()
	if err := errors.Join(append(testenv.EndAll(), err)...); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, withLibrary bool, stores string, memory, service int) error {
	chosen, err := choose(stores)
	if err != nil {
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
