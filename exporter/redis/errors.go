package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/internal/backend"
	"github.com/osprofiler-otel/osprofiler/store"
)

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
	answer, isAnswer := replyOf(err)
	switch {
	case noSentinel(err):
		return s.withoutSentinel(err, oneLine(text))
	case errors.Is(err, errNoAnswer):
		return fmt.Sprintf("%s gave no answer", s.place)
	case isRefusal(err):
		return fmt.Sprintf("%s refuses the user or the password of the connection string, which should read like redis://user:password@host: %s", s.place, text)
	case beginsWith(answer, "DENIED"):
		return fmt.Sprintf("%s is in protected mode, in which it takes connections from its own host only; it should have a password, or protected-mode no", s.place)
	case beginsWith(answer, "MOVED") && !s.isCluster():
		return fmt.Sprintf("%s is a node of a cluster, for which the connection string should have the option osp_cluster=yes: %s", s.place, text)
	case isAnswer && has("NOPERM"):
		return fmt.Sprintf("%s does not give the user of the connection string the rights that docs/stores/redis.md lists: %s", s.place, text)
	case isAnswer && has("DB index"):
		return fmt.Sprintf("%s has no database of the number in the connection string: %s", s.place, text)
	case has("first record does not look like a TLS handshake"):
		return fmt.Sprintf("%s does not speak TLS; without it the connection string should start with redis://", s.place)
	case backend.RefusedTLS(err):
		return fmt.Sprintf("no TLS connection to %s (ssl_ca_certs names the file with the authority to trust): %s", s.place, text)
	case isAnswer:
		return fmt.Sprintf("%s answers: %s", s.place, text)
	case isForeign(err):
		return fmt.Sprintf("%s does not answer as a Redis server does: %s", s.place, oneLine(text))
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
	case backend.RefusedTLS(err):
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
