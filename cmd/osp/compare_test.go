package main

import (
	"context"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Lookups and a pass find the same of a window in a target that has every
// third notification of it.
func TestCompareWays(t *testing.T) {
	var all []osprofiler.Notification
	for line := range strings.Lines(readFile(t, strings.TrimPrefix(openstackStore(t), "file://"))) {
		n, err := osprofiler.ParseNotification(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	target, err := store.Open(t.Context(), "file://"+filepath.Join(t.TempDir(), "target.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	var has []osprofiler.Notification
	for i := 0; i < len(all); i += 3 {
		has = append(has, all[i])
	}
	if err := target.Write(t.Context(), has); err != nil {
		t.Fatal(err)
	}
	ways := map[string]func(c *comparer, w *window) error{
		"compare": func(c *comparer, w *window) error { return c.compare(t.Context(), w) },
		"pass": func(c *comparer, w *window) error {
			done, err := c.tryPass(t.Context(), w, time.Hour)
			if !done {
				t.Error("the pass did not come to its end")
			}
			return err
		},
	}
	for name, compare := range ways {
		w := newWindow()
		for _, n := range all {
			if !w.add(n, hashOf(n), len(n.JSON())) {
				t.Fatalf("%s is there twice", n.JSON())
			}
		}
		c := &comparer{target: target, warn: &warnings{w: t.Output()}}
		if err := compare(c, w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		i := 0
		for batch := range w.batches() {
			if len(batch) > batchCount {
				t.Errorf("%s: a batch of %d", name, len(batch))
			}
			for _, n := range batch {
				for i%3 == 0 {
					i++
				}
				if n != all[i] {
					t.Fatalf("%s: %s is to be written; want %s", name, n.JSON(), all[i].JSON())
				}
				i++
			}
		}
		if want := len(all) - len(has); w.lacking != want {
			t.Errorf("%s: the target lacks %d, want %d", name, w.lacking, want)
		}
	}
}

// A pass that takes longer than the lookups would is given up, and is not
// tried again for as little.
func TestComparePassGivesUp(t *testing.T) {
	target, err := store.Open(t.Context(), bigStore(t, 20_000))
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	c := &comparer{target: lateStore{target}, warn: &warnings{w: t.Output()}}
	for range 2 {
		if done, err := c.tryPass(t.Context(), newWindow(), worthAPass); done || err != nil {
			t.Fatalf("done %t, error %v; want to go on with lookups", done, err)
		}
	}
	if c.pass < worthAPass {
		t.Errorf("the pass is remembered to take %v; it took at least %v", c.pass, worthAPass)
	}
}

// A lateStore begins to answer when a second is over.
type lateStore struct{ store.Store }

func (s lateStore) Changes(ctx context.Context, from store.Cursor) iter.Seq2[store.Change, error] {
	time.Sleep(worthAPass)
	return s.Store.(store.Changer).Changes(ctx, from)
}

func TestBatchesAreBounded(t *testing.T) {
	w := newWindow()
	big := osprofiler.Info(`{"x": "` + strings.Repeat("x", batchBytes/3) + `"}`)
	for i := range 10 {
		n := osprofiler.Notification{Name: "x-start", TraceID: traceName(i), Info: big}
		w.add(n, hashOf(n), len(n.JSON()))
	}
	huge := osprofiler.Notification{Name: "x-start", Info: osprofiler.Info(`{"x": "` + strings.Repeat("x", batchBytes) + `"}`)}
	w.add(huge, hashOf(huge), len(huge.JSON()))
	var sizes []int
	for batch := range w.batches() {
		sizes = append(sizes, len(batch))
	}
	if got, want := len(sizes), 6; got != want || sizes[0] != 2 || sizes[5] != 1 {
		t.Errorf("batches of %d; want five of 2 and one of 1", sizes)
	}
}
