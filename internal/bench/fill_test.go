package main

import (
	"slices"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Our reader reads the traces that the client library wrote like those that our store wrote.
func TestFill(t *testing.T) {
	for _, p := range sharedSubjects(t) {
		t.Run(p.name, func(t *testing.T) {
			m := &measurement{subject: p}
			defer func() {
				if err := m.close(); err != nil {
					t.Error(err)
				}
			}()
			url, client, err := m.empty(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := fill(t.Context(), url, client, 5); err != nil {
				t.Fatal(err)
			}
			s, err := store.Open(t.Context(), url, store.WithReadOnly())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for i := range 5 {
				want := halves(i)
				for n, err := range s.Notifications(t.Context(), baseIDOf(i)) {
					at := slices.IndexFunc(want, func(w osprofiler.Notification) bool { return w.JSON() == n.JSON() })
					if err != nil || at < 0 {
						t.Fatalf("trace %d: %v %s", i, err, n.JSON())
					}
					want = slices.Delete(want, at, at+1)
				}
				if len(want) > 0 {
					t.Errorf("of trace %d, %d notifications are missing", i, len(want))
				}
			}
		})
	}
}
