package otlp_test

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/codes"

	"github.com/osprofiler-otel/osprofiler/exporter"
)

// A target that fails with all spans does not refuse them: they may be delivered later.
// If it takes some, the others are refused.
func TestFailingTarget(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		failing := refusal(codes.Internal, http.StatusInternalServerError, "panic")
		e := open(t, connectionString)
		for _, n := range []int{1, 3, 5000} {
			c.sizes = nil
			c.answer = func(*request) (*partial, error) { return nil, failing(t) }
			err := e.ExportSpans(t.Context(), numbered(n, 0))
			if got := sinkError(t, err); len(got.Missing) != n || len(got.Refused) != 0 || got.Transient || len(c.sizes) > 25 || !strings.Contains(err.Error(), " fails (") {
				t.Errorf("of %d spans %d are missing and %d refused after %d requests: %v", n, len(got.Missing), len(got.Refused), len(c.sizes), err)
			}
		}
		for _, bad := range []string{"0", "4999"} {
			c.answer = func(r *request) (*partial, error) {
				if has(r, bad) {
					return nil, failing(t)
				}
				return nil, nil
			}
			err := e.ExportSpans(t.Context(), numbered(5000, 0))
			if got := sinkError(t, err); len(got.Missing) != 1 || len(got.Refused) != 1 {
				t.Errorf("got %v", err)
			}
		}
	})
}

// Spans with which a target fails are refused wherever they are, if it takes others.
func TestFailingSpansNextToEachOther(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		failing := refusal(codes.Internal, http.StatusInternalServerError, "panic")
		e := open(t, connectionString)
		for _, bad := range []struct{ first, last, of int }{{48, 49, 50}, {0, 24, 50}, {0, 44, 50}, {5, 49, 50}, {0, 0, 1}, {0, 2, 3}} {
			var names []string
			for i := bad.first; i <= bad.last; i++ {
				names = append(names, strconv.Itoa(i))
			}
			c.requests = nil
			c.answer = func(*request) (*partial, error) { return nil, nil }
			if err := e.ExportSpans(t.Context(), numbered(100, 0)[99:]); err != nil {
				t.Fatal(err)
			}
			c.answer = func(r *request) (*partial, error) {
				if has(r, names...) {
					return nil, failing(t)
				}
				return nil, nil
			}
			err := e.ExportSpans(t.Context(), numbered(bad.of, 0))
			if got := sinkError(t, err); len(got.Refused) != len(names) || len(got.Missing) != len(names) || got.Rejected != 0 {
				t.Errorf("of %+v, %d are refused and %d missing: %v", bad, len(got.Refused), len(got.Missing), err)
			}
		}
	})
}

// A target that fails for a moment gets every span.
func TestFailsOnce(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		failing := refusal(codes.Internal, http.StatusInternalServerError, "storage timeout")
		e := open(t, connectionString)
		for _, failures := range []int{1, 2, 6, 7} {
			for _, number := range []int{1, 2, 50} {
				c.requests, c.sizes = nil, nil
				c.answer = func(*request) (*partial, error) { return nil, nil }
				if err := e.ExportSpans(t.Context(), numbered(100, 0)[99:]); err != nil {
					t.Fatal(err)
				}
				c.answer = func(*request) (*partial, error) {
					if len(c.sizes) <= 1+failures {
						return nil, failing(t)
					}
					return nil, nil
				}
				err := e.ExportSpans(t.Context(), numbered(number, 0))
				var failed *exporter.SinkError
				if errors.As(err, &failed) && len(failed.Refused) > 0 {
					t.Errorf("%d of %d spans are refused after %d failures: %v", len(failed.Refused), number, failures, err)
				}
				if failures == 1 && err != nil {
					t.Errorf("%d spans after a failure: %v", number, err)
				}
			}
		}
	})
}

// A target that fails with all spans of a call gets a span that it took before, but not
// many times.
func TestFailsWithAll(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		failing := refusal(codes.Internal, http.StatusInternalServerError, "panic")
		e := open(t, connectionString)
		all := numbered(1001, 0)
		if err := e.ExportSpans(t.Context(), all[:1]); err != nil {
			t.Fatal(err)
		}
		c.answer = func(r *request) (*partial, error) {
			if !has(r, "0") {
				return nil, failing(t)
			}
			return nil, nil
		}
		got := sinkError(t, e.ExportSpans(t.Context(), all[1:]))
		if len(got.Missing) != 1000 || len(got.Refused) < 20 || len(c.spans()) > 7 || len(c.sizes) > 600 {
			t.Errorf("%d are refused and %d missing after %d requests, of which the target took %d", len(got.Refused), len(got.Missing), len(c.sizes), len(c.spans()))
		}
	})
}

// The spans with which the target fails may be the first that an exporter sends.
func TestFailsWithTheFirst(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		failing := refusal(codes.Internal, http.StatusInternalServerError, "panic")
		var bad []string
		for i := range 30 {
			bad = append(bad, strconv.Itoa(i))
		}
		c.answer = func(r *request) (*partial, error) {
			if has(r, bad...) {
				return nil, failing(t)
			}
			return nil, nil
		}
		got := sinkError(t, open(t, connectionString).ExportSpans(t.Context(), numbered(500, 0)))
		if len(got.Refused) != 30 || len(got.Missing) != 30 {
			t.Errorf("%d are refused, %d missing: %v", len(got.Refused), len(got.Missing), got)
		}
	})
}

// A target that fails after it took the neighbours of a span has not refused the span.
func TestFailsBesideAndLater(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		failing := refusal(codes.Internal, http.StatusInternalServerError, "storage is down")
		c.answer = func(r *request) (*partial, error) {
			if len(c.requests) == 0 && !has(r, "1") {
				return nil, nil
			}
			return nil, failing(t)
		}
		got := sinkError(t, open(t, connectionString).ExportSpans(t.Context(), numbered(2, 0)))
		if len(got.Refused) != 0 || len(got.Missing) != 1 || len(c.spans()) != 1 {
			t.Errorf("%v are refused, %v missing, and %d were taken", got.Refused, got.Missing, len(c.spans()))
		}
	})
}

// A target that fails now and then gets every span, when the missing ones are repeated.
func TestFailsNowAndThen(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		failing := refusal(codes.Internal, http.StatusInternalServerError, "overloaded")
		random := rand.New(rand.NewPCG(1, 2))
		c.answer = func(*request) (*partial, error) {
			if random.Float64() < 0.7 {
				return nil, failing(t)
			}
			return nil, nil
		}
		e, spans := open(t, connectionString), numbered(200, 0)
		for range 200 {
			err := e.ExportSpans(t.Context(), spans)
			if err == nil {
				return
			}
			got := sinkError(t, err)
			if len(got.Refused) > 2 { // a span in 100 is a coincidence
				t.Fatalf("%d of %d spans are refused: %v", len(got.Refused), len(spans), err)
			}
			var left []sdktrace.ReadOnlySpan
			for _, i := range got.Missing {
				if !slices.Contains(got.Refused, i) {
					left = append(left, spans[i])
				}
			}
			if spans = left; len(spans) == 0 {
				return
			}
		}
		t.Errorf("%d spans are still missing", len(spans))
	})
}

// A target that begins to fail after it took spans has refused none of the others.
func TestFailsLater(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		failing := refusal(codes.Internal, http.StatusInternalServerError, "storage is down")
		c.answer = func(*request) (*partial, error) {
			if len(c.requests) > 0 {
				return nil, failing(t)
			}
			return nil, nil
		}
		err := open(t, connectionString+"?osp_max_message_size=4000").ExportSpans(t.Context(), numbered(3000, 0))
		got := sinkError(t, err)
		if len(got.Refused) != 0 || len(got.Missing) != 3000-len(c.spans()) || len(c.sizes) > 30 {
			t.Errorf("%d are refused, %d missing, %d taken after %d requests: %v", len(got.Refused), len(got.Missing), len(c.spans()), len(c.sizes), err)
		}
	})
}
