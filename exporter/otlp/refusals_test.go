package otlp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/osprofiler-otel/osprofiler/exporter/otlp"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

type request = coltracepb.ExportTraceServiceRequest

type partial = coltracepb.ExportTracePartialSuccess

// has reports whether a request has a span of one of these names.
func has(r *request, names ...string) bool {
	for _, rs := range r.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				if slices.Contains(names, s.GetName()) {
					return true
				}
			}
		}
	}
	return false
}

// refusal is an answer in the form of each protocol.
func refusal(code codes.Code, httpStatus int, message string) func(t *testing.T) error {
	return func(t *testing.T) error {
		if strings.HasSuffix(t.Name(), "HTTP") {
			return &httpAnswer{status: httpStatus, contentType: "text/plain", body: message + "\n"}
		}
		return status.Error(code, message)
	}
}

func TestPartialSuccess(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		c.answer = func(*request) (*partial, error) {
			return &partial{RejectedSpans: 2, ErrorMessage: "the span is too old\nby far"}, nil
		}
		e := open(t, connectionString)
		err := e.ExportSpans(t.Context(), numbered(3, 0))
		got := sinkError(t, err)
		if got.Rejected != 2 || len(got.Missing) != 0 || got.Transient {
			t.Errorf("got %+v", got)
		}
		if want := e.Name() + " rejected 2 of 3 spans: the span is too old by far"; err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if len(c.sizes) != 1 {
			t.Errorf("the request was sent %d times", len(c.sizes))
		}
	})
}

// A partial success without rejected spans is a warning. The program's handler gets
// each once.
func TestWarning(t *testing.T) {
	var warnings []string
	old := otel.GetErrorHandler()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { warnings = append(warnings, err.Error()) }))
	defer otel.SetErrorHandler(old)
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		warnings = nil
		c.answer = func(*request) (*partial, error) { return &partial{ErrorMessage: "use fewer attributes"}, nil }
		e := open(t, connectionString)
		for range 2 {
			if err := e.ExportSpans(t.Context(), numbered(1, 0)); err != nil {
				t.Fatal(err)
			}
		}
		if want := e.Name() + " took the spans with a warning: use fewer attributes"; len(warnings) != 1 || warnings[0] != want {
			t.Errorf("got %q", warnings)
		}
	})
}

// Spans that the target does not take do not keep the others from being delivered.
func TestRefusedSpans(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		refused := refusal(codes.InvalidArgument, http.StatusBadRequest, "a bad span")
		c.answer = func(r *request) (*partial, error) {
			if has(r, "7", "40") {
				return nil, refused(t)
			}
			return nil, nil
		}
		err := open(t, connectionString).ExportSpans(t.Context(), numbered(50, 0))
		got := sinkError(t, err)
		if !slices.Equal(got.Refused, []int{7, 40}) || !slices.Equal(got.Missing, []int{7, 40}) || got.Transient {
			t.Errorf("got %+v", got)
		}
		for _, part := range []string{"refuses the spans (", "a bad span", `the refused span is "7" of `, `"40" of `, "(trace 01000000000000000000000000000000, span 0007010000000000)", "2 of 50 spans were refused"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error has no %q: %v", part, err)
			}
		}
		if n := len(c.spans()); n != 48 {
			t.Errorf("%d spans were delivered", n)
		}
	})
}

// The number of requests is bounded if a target refuses everything.
func TestEverythingRefused(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		refused := refusal(codes.InvalidArgument, http.StatusBadRequest, "no")
		c.answer = func(*request) (*partial, error) { return nil, refused(t) }
		err := open(t, connectionString).ExportSpans(t.Context(), numbered(1000, 0))
		got := sinkError(t, err)
		if len(got.Missing) != 1000 || len(got.Refused) > 200 || len(c.sizes) > 500 || len(err.Error()) > 2000 {
			t.Errorf("%d spans are refused after %d requests: %v", len(got.Refused), len(c.sizes), err)
		}
	})
}

// Many refused spans do not keep the others from being delivered.
func TestManyRefusedSpans(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		refused := refusal(codes.InvalidArgument, http.StatusBadRequest, "a bad span")
		var bad []string
		for i := range 40 {
			bad = append(bad, strconv.Itoa(i*100))
		}
		c.answer = func(r *request) (*partial, error) {
			if has(r, bad...) {
				return nil, refused(t)
			}
			return nil, nil
		}
		got := sinkError(t, open(t, connectionString).ExportSpans(t.Context(), numbered(4000, 0)))
		if len(got.Refused) != 40 || len(got.Missing) != 40 || len(c.spans()) != 3960 {
			t.Errorf("%d are refused, %d missing, %d taken", len(got.Refused), len(got.Missing), len(c.spans()))
		}
	})
}

// A request that is refused for a quota is not divided.
func TestQuota(t *testing.T) {
	c := &collector{}
	c.answer = func(*request) (*partial, error) {
		return nil, status.Error(codes.ResourceExhausted, "the quota is used up")
	}
	err := open(t, "otlp+grpc://"+c.overGRPC(t, nil)).ExportSpans(t.Context(), numbered(9, 0))
	if got := sinkError(t, err); len(got.Missing) != 9 || len(got.Refused) != 0 || len(c.sizes) != 1 {
		t.Errorf("got %v after %d requests", err, len(c.sizes))
	}
}

// A target takes smaller requests than this side assumes, and one span is too large
// for it.
func TestTooLarge(t *testing.T) {
	large := numbered(30, 2000)
	large[11] = numbered(12, 50_000)[11]
	check := func(t *testing.T, c *collector, err error) {
		t.Helper()
		got := sinkError(t, err)
		if !slices.Equal(got.Refused, []int{11}) || !slices.Equal(got.Missing, []int{11}) {
			t.Errorf("got %+v", got)
		}
		for _, part := range []string{`the refused span is "11" of 501`, "1 of 30 spans was refused"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error has no %q: %v", part, err)
			}
		}
		if n := len(c.spans()); n != 29 {
			t.Errorf("%d spans were delivered", n)
		}
	}
	t.Run("gRPC", func(t *testing.T) {
		c := &collector{}
		e := open(t, "otlp+grpc://"+c.overGRPC(t, nil, grpc.MaxRecvMsgSize(20_000)))
		check(t, c, e.ExportSpans(t.Context(), large))
	})
	t.Run("HTTP", func(t *testing.T) {
		c := &collector{}
		c.answer = func(*request) (*partial, error) {
			if c.sizes[len(c.sizes)-1] > 20_000 {
				return nil, &httpAnswer{status: http.StatusRequestEntityTooLarge}
			}
			return nil, nil
		}
		e := open(t, "otlp+http://"+c.overHTTP(t, nil))
		check(t, c, e.ExportSpans(t.Context(), large))
	})
	t.Run("alone", func(t *testing.T) { // a span above our own limit, which the target takes
		c := &collector{}
		e := open(t, "otlp+grpc://"+c.overGRPC(t, nil), otlp.WithMaxMessageSize(10_000))
		if err := e.ExportSpans(t.Context(), large); err != nil {
			t.Error(err)
		}
		if n := len(c.spans()); n != 30 {
			t.Errorf("%d spans were delivered", n)
		}
	})
}

// A refusal that concerns every request ends the export.
func TestRefusedTarget(t *testing.T) {
	for name, test := range map[string]struct {
		code   codes.Code
		status int
	}{
		"credentials": {codes.Unauthenticated, http.StatusUnauthorized},
		"right":       {codes.PermissionDenied, http.StatusForbidden},
		"service":     {codes.Unimplemented, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, c *collector, connectionString string) {
				refused := refusal(test.code, test.status, "the token geheim-token is wrong")
				c.answer = func(*request) (*partial, error) { return nil, refused(t) }
				e := open(t, connectionString+"?osp_header=authorization:Bearer%20geheim-token&osp_max_message_size=1024")
				err := e.ExportSpans(t.Context(), numbered(10, 1000))
				got := sinkError(t, err)
				if len(got.Missing) != 10 || len(got.Refused) != 0 || got.Transient || len(c.sizes) != 1 {
					t.Errorf("after %d requests, got %+v", len(c.sizes), got)
				}
				if text := err.Error(); strings.Contains(text, "geheim") || !strings.Contains(text, "takes no spans from this client (") || !strings.Contains(text, "the token … is wrong") || !strings.HasSuffix(text, "; 10 of 10 spans may not be delivered") {
					t.Errorf("got %v", err)
				}
				if err := e.Ping(t.Context()); err == nil || strings.Contains(err.Error(), "geheim") {
					t.Errorf("Ping gives %v", err)
				}
			})
		})
	}
}

// transients are answers of a target that may take the request later. The delay is in
// the answer.
func transients(t *testing.T, delay time.Duration) map[string]error {
	if !strings.Contains(t.Name(), "HTTP") {
		throttled, err := status.New(codes.ResourceExhausted, "slow down").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(delay)})
		if err != nil {
			t.Fatal(err)
		}
		return map[string]error{"Unavailable": status.Error(codes.Unavailable, "the queue is full"), "ResourceExhausted": throttled.Err()}
	}
	header := http.Header{}
	if delay > 0 {
		header.Set("Retry-After", time.Now().Add(delay).UTC().Format(http.TimeFormat))
	}
	all := map[string]error{}
	for _, code := range []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, 520, 521, 522, 523, 524, 530} {
		all[strconv.Itoa(code)] = &httpAnswer{status: code, header: header, body: "the queue is full"}
	}
	return all
}

func TestTransient(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		for name, refused := range transients(t, 0) {
			t.Run(name, func(t *testing.T) {
				var tries atomic.Int64
				c.requests = nil
				c.answer = func(*request) (*partial, error) {
					if tries.Add(1) < 3 {
						return nil, refused
					}
					return nil, nil
				}
				var failed []error
				e := open(t, connectionString, otlp.WithRetry(store.Retry{Initial: time.Millisecond, Failed: func(err error) { failed = append(failed, err) }}))
				if err := e.ExportSpans(t.Context(), numbered(2, 0)); err != nil {
					t.Fatal(err)
				}
				if len(c.spans()) != 2 || len(failed) != 2 || !store.IsTransient(failed[0]) {
					t.Errorf("%d spans were delivered after %v", len(c.spans()), failed)
				}
			})
		}
	})
}

// The next attempt waits as long as the target says.
func TestRetryAfter(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		const delay = 2 * time.Second // HTTP has whole seconds
		refused := transients(t, delay)["ResourceExhausted"]
		if strings.Contains(t.Name(), "HTTP") {
			refused = &httpAnswer{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"2"}}}
		}
		tries := 0
		c.answer = func(*request) (*partial, error) {
			if tries++; tries == 1 {
				return nil, refused
			}
			return nil, nil
		}
		began := time.Now()
		e := open(t, connectionString, otlp.WithRetry(store.Retry{Initial: time.Millisecond}))
		if err := e.ExportSpans(t.Context(), numbered(1, 0)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < delay || tries != 2 {
			t.Errorf("%d tries took %v", tries, took)
		}
	})
}

// The attempts end with the context of the caller, and with the time of the Retry.
func TestGivesUp(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		for name, refused := range transients(t, time.Hour) {
			c.answer = func(*request) (*partial, error) { return nil, refused }
			e := open(t, connectionString, otlp.WithRetry(store.Retry{Initial: time.Millisecond, Elapsed: 50 * time.Millisecond}))
			err := e.ExportSpans(t.Context(), numbered(2, 0))
			if got := sinkError(t, err); !got.Transient || !slices.Equal(got.Missing, []int{0, 1}) || name != "Unavailable" && !strings.Contains(err.Error(), "it asks to wait for 3") || !strings.Contains(err.Error(), "gave up after") {
				t.Errorf("got %+v: %v", got, err)
			}
			testenv.Growing(t, 50*time.Millisecond, func(d time.Duration) error {
				ctx, cancel := context.WithTimeout(t.Context(), d)
				defer cancel()
				err := open(t, connectionString, otlp.WithRetry(store.Retry{Elapsed: 2 * time.Hour})).ExportSpans(ctx, numbered(2, 0))
				if got := sinkError(t, err); !errors.Is(err, context.DeadlineExceeded) || len(got.Missing) != 2 || !strings.Contains(err.Error(), "cannot take the spans now") {
					return err
				}
				return nil
			})
		}
	})
}

// ExportSpans waits for a target that does not answer no longer than the timeout.
func TestTimeout(t *testing.T) {
	overBoth(t, func(t *testing.T, c *collector, connectionString string) {
		release := make(chan struct{})
		defer close(release)
		c.answer = func(*request) (*partial, error) { <-release; return nil, nil }
		testenv.Growing(t, 100*time.Millisecond, func(d time.Duration) error {
			e := open(t, connectionString+"?osp_timeout="+d.String(), otlp.WithRetry(store.Retry{Elapsed: -1}))
			err := e.ExportSpans(t.Context(), numbered(1, 0))
			if got := sinkError(t, err); !got.Transient || !strings.HasPrefix(err.Error(), fmt.Sprintf("%s did not answer within the osp_timeout of %v;", e.Name(), d)) {
				return err
			}
			return nil
		})
	})
}
