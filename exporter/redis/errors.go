package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/store"
)

// passing are answers of a server that will give another one later: it loads
// its data, changes its role, is full or moves keys about.
var passing = []string{"LOADING", "READONLY", "MASTERDOWN", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MOVED", "ASK", "NOREPLICAS", "OOM", "MISCONF", "UNBLOCKED", "ERR max number of clients"}

// isTransient tells whether the same command may work later.
func isTransient(err error) bool {
	var answer goredis.Error
	if errors.As(err, &answer) && (!noSentinel(err) || isRefusal(err)) {
		for _, word := range passing {
			if strings.HasPrefix(answer.Error(), word) {
				return true
			}
		}
		return false
	}
	return !isTLS(err)
}

func isTLS(err error) bool {
	var header tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var alert tls.AlertError
	return errors.As(err, &header) || errors.As(err, &certificate) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &alert)
}

func isWrongType(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "WRONGTYPE")
}

// isRefusal tells whether a server or a sentinel wants another user or password.
func isRefusal(err error) bool {
	var answer goredis.Error
	if !errors.As(err, &answer) {
		return false
	}
	for _, word := range []string{"WRONGPASS", "NOAUTH", "invalid password", "AUTH <password>", "invalid username-password"} {
		if strings.Contains(err.Error(), word) {
			return true
		}
	}
	return false
}

// isBroken tells whether the other side broke the connection.
func isBroken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// ofKeys tells whether a pipeline's error is about one key, and not about the
// connection: commands that were never sent need not have an error of their own.
func ofKeys(err error) bool { return isWrongType(err) || errors.Is(err, goredis.Nil) }

// noSentinel says that no sentinel answers, or that none knows the master.
func noSentinel(err error) bool { return strings.Contains(err.Error(), "all sentinels") }

// explain says in one sentence what is wrong between us and the server. What
// has been explained stays as it is.
func (s *Store) explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case s.closed():
		return store.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case timedOut(err) && over(ctx):
		return context.DeadlineExceeded
	}
	var explained *explainedError
	if errors.As(err, &explained) {
		return err
	}
	return &explainedError{s.sentence(err), err}
}

// over tells whether the context's deadline has passed, which a connection
// with the same deadline may notice before the context does.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < time.Millisecond
}

// timedOut tells whether a server gave no answer in time; a name server is none.
func timedOut(err error) bool {
	var timeout net.Error
	var name *net.DNSError
	return !errors.As(err, &name) && (errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout())
}

func (s *Store) sentence(err error) string {
	text := strings.TrimPrefix(err.Error(), "redis: ")
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(text, word) {
				return true
			}
		}
		return false
	}
	var answer goredis.Error
	isAnswer := errors.As(err, &answer)
	switch {
	case noSentinel(err):
		return s.withoutSentinel(err, oneLine(text))
	case errors.Is(err, errNoAnswer):
		return fmt.Sprintf("%s gave no answer", s.place)
	case isRefusal(err):
		return fmt.Sprintf("%s refuses the user or the password of the connection string, which should read like redis://user:password@host: %s", s.place, text)
	case isAnswer && has("NOPERM"):
		return fmt.Sprintf("%s does not give the user of the connection string the rights that docs/stores/redis.md lists: %s", s.place, text)
	case isAnswer && has("DB index"):
		return fmt.Sprintf("%s has no database of the number in the connection string: %s", s.place, text)
	case has("first record does not look like a TLS handshake"):
		return fmt.Sprintf("%s does not speak TLS; without it the connection string should start with redis://", s.place)
	case isTLS(err):
		return fmt.Sprintf("no TLS connection to %s (ssl_ca_certs names the file with the authority to trust): %s", s.place, text)
	case isAnswer:
		return fmt.Sprintf("%s answers: %s", s.place, text)
	case isBroken(err):
		return fmt.Sprintf("%s broke the connection%s: %s", s.place, s.hint, text)
	case timedOut(err):
		return fmt.Sprintf("%s did not answer within the socket_timeout of %v%s: %s", s.place, s.timeout, s.hint, text)
	}
	return fmt.Sprintf("cannot reach %s: %s", s.place, oneLine(text))
}

// withoutSentinel says why no sentinel told where the master is.
func (s *Store) withoutSentinel(err error, text string) string {
	hint := ""
	switch {
	case errors.Is(err, goredis.Nil):
		return fmt.Sprintf("no sentinel knows %s; option sentinel of the connection string should name it as they do", s.place)
	case isRefusal(err):
		hint = " (their user and password are the options sentinel_username and sentinel_password of the connection string)"
	case isTLS(err):
		hint = " (ssl_ca_certs names the file with the authority to trust)"
	case isBroken(err), timedOut(err):
		hint = s.hint
	}
	return fmt.Sprintf("no sentinel answers for %s%s: %s", s.place, hint, text)
}

func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }

// explainedError has a sentence of ours for its text, and the client library's
// error in its chain.
type explainedError struct {
	text string
	err  error
}

func (e *explainedError) Error() string { return e.text }

func (e *explainedError) Unwrap() error { return e.err }
