package otlpreceiver

import (
	"fmt"
	"net/http"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// A failure is an answer other than success, in the terms of HTTP and of gRPC. A
// client sends the request again only if retry is set.
type failure struct {
	http  int
	grpc  codes.Code
	text  string
	retry bool
}

// Error implements error.
func (f *failure) Error() string { return f.text }

// retryDelay is the time after which a client should send a request again.
const retryDelay = time.Second

// status returns the failure as a google.rpc.Status.
func (f *failure) status() *status.Status {
	s := status.New(f.grpc, f.text)
	if !f.retry {
		return s
	}
	if with, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryDelay)}); err == nil {
		return with
	}
	return s
}

func malformed(format string, args ...any) *failure {
	return &failure{http: http.StatusBadRequest, grpc: codes.InvalidArgument, text: fmt.Sprintf(format, args...)}
}

func tooLarge(limit int) *failure {
	return &failure{
		http: http.StatusRequestEntityTooLarge, grpc: codes.ResourceExhausted,
		text: fmt.Sprintf("the request has more than %d bytes; send fewer spans in one request, or set osp_max_message_size", limit),
	}
}

// tooHeavy is the answer to a request whose spans need more memory than there is.
func tooHeavy(size, limit int64) *failure {
	return &failure{
		http: http.StatusRequestEntityTooLarge, grpc: codes.ResourceExhausted,
		text: fmt.Sprintf("the spans of the request take about %d bytes of memory, more than the %d bytes that are for spans; send fewer spans in one request, or set osp_max_memory", size, limit),
	}
}

func busy(text string) *failure {
	return &failure{http: http.StatusTooManyRequests, grpc: codes.Unavailable, text: text, retry: true}
}

func unavailable(text string) *failure {
	return &failure{http: http.StatusServiceUnavailable, grpc: codes.Unavailable, text: text, retry: true}
}

func slow(limit time.Duration) *failure {
	return &failure{
		http: http.StatusServiceUnavailable, grpc: codes.Unavailable, retry: true,
		text: fmt.Sprintf("the request did not arrive within %v", limit),
	}
}

// hurried is the answer to a request that arrives slowly while others wait.
func hurried() *failure {
	return unavailable(fmt.Sprintf("the request did not arrive within %v, and other requests wait for a place or for memory", patience))
}

func unauthorized() *failure {
	return &failure{
		http: http.StatusUnauthorized, grpc: codes.Unauthenticated,
		text: "the Authorization header should be Bearer and the token of this receiver",
	}
}

// internal is the answer to a request that has triggered a bug of this program. The client
// should not repeat it, because it would fail again.
func internal() *failure {
	return &failure{http: http.StatusInternalServerError, grpc: codes.Internal, text: "the receiver cannot process this request"}
}
