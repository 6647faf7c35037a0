package kafka

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A watch remembers why the brokers of a client cannot be reached. The library retries by
// itself and does not return these errors.
type watch struct {
	mu       sync.Mutex
	failures map[int32]brokerFailure // by broker, until the broker answers
	first    brokerFailure           // the failure of a broker that closed the connection at once
	answered bool                    // a broker has answered a user that it admits
}

// A brokerFailure is why a broker could not be reached, and when.
type brokerFailure struct {
	err error
	at  time.Time
}

var (
	_ kgo.HookBrokerConnect = (*watch)(nil)
	_ kgo.HookBrokerRead    = (*watch)(nil)
)

// OnBrokerConnect implements kgo.HookBrokerConnect. Its error includes those of the
// TLS handshake and of the login.
func (w *watch) OnBrokerConnect(broker kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	w.note(broker.NodeID, err)
}

// saslHandshake, apiVersions and saslAuthenticate are Kafka's numbers of the requests that
// begin a connection.
const saslHandshake, apiVersions, saslAuthenticate = 17, 18, 36

// OnBrokerRead implements kgo.HookBrokerRead.
func (w *watch) OnBrokerRead(broker kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	w.note(broker.NodeID, err)
	if key == saslHandshake || key == apiVersions || key == saslAuthenticate {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err == nil:
		w.answered, w.first = true, brokerFailure{}
	case !w.answered && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		w.first = brokerFailure{&firstRequestError{err}, time.Now()}
	}
}

// A firstRequestError says that a broker closed the connection at the first request after the
// exchange of versions. The library returns this error only for the request that waited for
// the answer, and not for the other requests of the connection.
type firstRequestError struct{ err error }

// Error implements error.
func (e *firstRequestError) Error() string { return "the first request: " + e.err.Error() }

// Unwrap returns the error of the connection.
func (e *firstRequestError) Unwrap() error { return e.err }

func (w *watch) note(broker int32, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kgo.ErrClientClosed) || errors.Is(err, net.ErrClosed) {
		return // by this side
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		delete(w.failures, broker)
		return
	}
	if w.failures == nil {
		w.failures = map[int32]brokerFailure{}
	}
	w.failures[broker] = brokerFailure{err, time.Now()}
	var first *kgo.ErrFirstReadEOF
	if errors.As(err, &first) && !w.answered {
		w.first = brokerFailure{err, time.Now()}
	}
}

// hasAnswer reports whether a broker has ever answered a user that it admits.
func (w *watch) hasAnswer() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answered
}

// mismatch returns the error of a broker that recently closed the connection at once, if no
// broker has ever answered. Otherwise it returns nil.
func (w *watch) mismatch(lately time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.first.at) > lately {
		return nil
	}
	return w.first.err
}

// reason returns why a broker could not be reached recently, or nil. Older failures do not
// count, because a broker may be gone permanently.
func (w *watch) reason(lately time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	latest := brokerFailure{at: time.Now().Add(-lately)}
	for _, failure := range w.failures {
		if failure.at.After(latest.at) {
			latest = failure
		}
	}
	return latest.err
}
