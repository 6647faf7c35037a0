package otlp

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/store"
)

// grpcStates are the codes of an answer by gRPC. The OTLP specification says which of
// them may pass.
var grpcStates = serverstate.Table{
	Source: "https://opentelemetry.io/docs/specs/otlp/#failures",
	States: []serverstate.State{
		{Code: codes.Canceled.String(), Name: "the target ended the request", Class: serverstate.Unknown},
		{Code: codes.DeadlineExceeded.String(), Name: "the target gave up", Class: serverstate.Unknown},
		{Code: codes.Aborted.String(), Name: "the request was interrupted", Class: serverstate.Unknown},
		{Code: codes.OutOfRange.String(), Name: "the target asks to repeat", Class: serverstate.Passes},
		{Code: codes.Unavailable.String(), Name: "the target is down, or has too much to do", Class: serverstate.Passes, Ran: "TestTransient"},
		{Code: codes.DataLoss.String(), Name: "the target asks to repeat", Class: serverstate.Unknown},
		{Code: codes.ResourceExhausted.String(), Name: "a quota is used up; with RetryInfo it passes, and a request that is too large is divided", Class: serverstate.Stays, Ran: "TestTooLarge"},
		{Code: codes.InvalidArgument.String(), Name: "the target does not take these spans", Class: serverstate.Row, Ran: "TestRefusedSpans"},
		{Code: codes.Internal.String(), Name: "the target fails with these spans, or with all", Class: serverstate.Row, Ran: "TestFailingTarget"},
		{Code: codes.Unknown.String(), Name: "the target fails with these spans, or with all", Class: serverstate.Row},
		{Code: codes.Unauthenticated.String(), Name: "the credentials are missing or wrong", Class: serverstate.Stays, Ran: "TestRefusedTarget"},
		{Code: codes.PermissionDenied.String(), Name: "the client has no right to send", Class: serverstate.Stays, Ran: "TestRefusedTarget"},
		{Code: codes.Unimplemented.String(), Name: "the target takes no traces by OTLP", Class: serverstate.Stays, Ran: "TestRefusedTarget"},
		{Code: codes.NotFound.String(), Name: "the target takes no traces there", Class: serverstate.Stays},
		{Code: codes.AlreadyExists.String(), Name: "not expected of a target", Class: serverstate.Stays},
		{Code: codes.FailedPrecondition.String(), Name: "the target is not set up", Class: serverstate.Stays},
	},
}

// httpStates are the status codes of an answer by HTTP. Those that are not listed
// stay.
//
// By the OTLP specification, requests with 429, 502, 503 and 504 are repeated, and no other
// code of 4xx or 5xx. 408 and 425 are repeated here too, because they mean that the target
// did not read the request. The codes 520 to 524 and 530 are also repeated. Cloudflare's
// proxies use them for 502, 504 and "cannot connect". They come from a proxy that got no
// answer of the target, and not from a target that refuses the spans. A relay or a batch
// would otherwise take a short outage behind such a proxy for a refusal.
var httpStates = serverstate.Table{
	Source: "https://opentelemetry.io/docs/specs/otlp/#failures-1",
	States: []serverstate.State{
		{Code: "400", Name: "the target does not take these spans", Class: serverstate.Row, Ran: "TestRefusedSpans"},
		{Code: "408", Name: "the target did not get the request in time", Class: serverstate.Unknown, Ran: "TestTransient"},
		{Code: "425", Name: "the target asks to repeat", Class: serverstate.Passes, Ran: "TestTransient"},
		{Code: "413", Name: "the request is too large", Class: serverstate.Row, Ran: "TestTooLarge"},
		{Code: "422", Name: "the target does not take these spans", Class: serverstate.Row},
		{Code: "429", Name: "the target has too much to do", Class: serverstate.Passes, Ran: "TestTransient"},
		{Code: "500", Name: "the target fails with these spans, or with all", Class: serverstate.Row, Ran: "TestFailingTarget"},
		{Code: "502", Name: "a proxy does not reach the target", Class: serverstate.Passes, Ran: "TestTransient"},
		{Code: "503", Name: "the target is down, or has too much to do", Class: serverstate.Passes, Ran: "TestTransient"},
		{Code: "504", Name: "a proxy gets no answer of the target", Class: serverstate.Unknown, Ran: "TestTransient"},
		{Code: "520", Name: "a proxy does not understand the answer of the target", Class: serverstate.Unknown, Ran: "TestTransient"},
		{Code: "521", Name: "a proxy does not reach the target", Class: serverstate.Passes, Ran: "TestTransient"},
		{Code: "522", Name: "a proxy does not reach the target in time", Class: serverstate.Unknown, Ran: "TestTransient"},
		{Code: "523", Name: "a proxy has no way to the target", Class: serverstate.Passes, Ran: "TestTransient"},
		{Code: "524", Name: "a proxy gets no answer of the target", Class: serverstate.Unknown, Ran: "TestTransient"},
		{Code: "530", Name: "a proxy cannot resolve the target", Class: serverstate.Passes, Ran: "TestTransient"},
		{Code: "401", Name: "the credentials are missing or wrong", Class: serverstate.Stays, Ran: "TestRefusedTarget"},
		{Code: "403", Name: "the client has no right to send", Class: serverstate.Stays, Ran: "TestRefusedTarget"},
		{Code: "404", Name: "the target takes no traces there", Class: serverstate.Stays, Ran: "TestRefusedTarget"},
	},
}

func classOfCode(code codes.Code) serverstate.Class {
	if state, ok := grpcStates.Exactly(code.String()); ok {
		return state.Class
	}
	return serverstate.Stays
}

func classOfStatus(status int) serverstate.Class {
	if state, ok := httpStates.Exactly(strconv.Itoa(status)); ok {
		return state.Class
	}
	return serverstate.Stays
}

// A failure is the explained error of one request.
type failure struct {
	class    serverstate.Class
	tooLarge bool
	fails    bool // the target fails, perhaps with any spans
	err      error
}

// Error implements error.
func (f *failure) Error() string { return f.err.Error() }

// Unwrap returns the explained error.
func (f *failure) Unwrap() error { return f.err }

// newFailure returns the error of a request. A transient one is a
// *store.TransientError. The next attempt waits for after, if it is positive.
func newFailure(class serverstate.Class, tooLarge bool, after time.Duration, err error) error {
	f := &failure{class: class, tooLarge: tooLarge, err: err}
	switch {
	case !class.IsTransient():
		return f
	case after > 0:
		return &store.TransientError{Err: delayed{f, after}}
	}
	return &store.TransientError{Err: f}
}

// delayed is a failure whose answer says when to send the request again.
type delayed struct {
	*failure
	after time.Duration
}

// As implements what [errors.As] asks for, so that store.Retry waits as long as the
// target says.
func (d delayed) As(to any) bool {
	if retry, ok := to.(**backoff.RetryAfterError); ok {
		*retry = &backoff.RetryAfterError{Duration: d.after}
		return true
	}
	return false
}

// Unwrap returns the failure.
func (d delayed) Unwrap() error { return d.failure }

// refusesContent reports whether the target refused a request because of its spans, so
// that a part of them may be taken. It returns the failure.
func refusesContent(err error) (f *failure, ok bool) {
	ok = errors.As(err, &f) && f.class == serverstate.Row
	return f, ok
}

// retryAfter reads the header Retry-After, which is a number of seconds or a date.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return time.Until(at)
	}
	return 0
}

// tooLargeTexts are in the messages of gRPC servers of several languages, and of package
// relay/otlpreceiver. They have different codes.
var tooLargeTexts = []string{"larger than max", "exceeds maximum size", "length too large", "send fewer spans in one request"}

// stateOf returns the class of an answer by gRPC. A request that is too large may have
// a code that means something else.
func stateOf(s *status.Status) (class serverstate.Class, tooLarge bool, after time.Duration) {
	after, told := retryInfo(s)
	text := s.Message()
	switch {
	case slices.ContainsFunc(tooLargeTexts, func(part string) bool { return strings.Contains(text, part) }):
		return serverstate.Row, true, 0
	case s.Code() == codes.ResourceExhausted && told:
		return serverstate.Passes, false, after
	}
	return classOfCode(s.Code()), false, after
}

// retryInfo returns when the target wants the request again. told is false if the target
// does not say when.
func retryInfo(s *status.Status) (after time.Duration, told bool) {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration(), true
		}
	}
	return 0, false
}

// isFailing reports whether a code says that the target fails, which need not be
// because of the spans.
func isFailing(code string) bool {
	return code == "500" || code == codes.Internal.String() || code == codes.Unknown.String()
}
