// Command bench measures this project beside the Python library, without a
// store and with each real one, where the store's client library alone runs
// besides, on the same work, in one run, and prints tables.
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

// notificationsOfReport is the size of the trace that is reported without a store.
const notificationsOfReport = 100_000

func main() {
	stores := flag.String("stores", strings.Join(placeNames(), ","), "the stores to measure")
	withLibrary := flag.Bool("library", true, "measure what needs no store")
	memory := flag.Int("memory", 1_000_000, "measure the memory of listing among so many traces; 0 leaves it out")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *withLibrary, *stores, *memory)
	stop()
	if err := errors.Join(append(testenv.EndAll(), err)...); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, withLibrary bool, stores string, memory int) error {
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
	if err := compareStores(ctx, os.Stdout, python, chosen, usual); err != nil || memory == 0 {
		return err
	}
	return memoryTable(ctx, os.Stdout, python, chosen, memory)
}

// choose finds places by their names.
func choose(names string) (chosen []place, err error) {
	for _, name := range strings.FieldsFunc(names, func(r rune) bool { return r == ',' }) {
		i := slices.Index(placeNames(), name)
		if i < 0 {
			err = errors.Join(err, fmt.Errorf("%q is no store that is measured; these are: %s", name, strings.Join(placeNames(), ", ")))
			continue
		}
		chosen = append(chosen, places[i])
	}
	return chosen, err
}
