package redis

import (
	"context"
	"strings"
	"sync/atomic"

	goredis "github.com/redis/go-redis/v9"
)

// reportRefusals makes the client report why a server refuses a connection.
// After an error reply to HELLO, the first command of a connection, the client
// library continues, because an old server does not know HELLO. A server that
// refuses the connection then breaks it, and the reason is lost.
func reportRefusals(client goredis.UniversalClient, answered *atomic.Bool) {
	switch c := client.(type) {
	case *goredis.Client:
		c.AddHook(greeting{answered})
	case *goredis.ClusterClient:
		c.OnNewNode(func(node *goredis.Client) { node.AddHook(greeting{answered}) })
	}
}

// greeting is a hook of the client library. It also records that the server has
// answered, which means that both sides agree about TLS.
type greeting struct{ answered *atomic.Bool }

func (g greeting) note(err error) {
	if _, isReply := replyOf(err); err == nil || isReply {
		g.answered.Store(true)
	}
}

// DialHook implements goredis.Hook.
func (greeting) DialHook(next goredis.DialHook) goredis.DialHook { return next }

// ProcessPipelineHook implements goredis.Hook.
func (g greeting) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		err := next(ctx, cmds)
		g.note(err)
		return err
	}
}

// ProcessHook implements goredis.Hook.
func (g greeting) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		err := next(ctx, cmd)
		g.note(err)
		if err != nil && cmd.Name() == "hello" && refusesConnection(err, len(cmd.Args()) > 2) {
			err = &greetingError{err}
			cmd.SetErr(err)
		}
		return err
	}
}

// refusesConnection reports whether the server will answer no command after this
// error of HELLO, which may have been sent with a password.
func refusesConnection(err error, withPassword bool) bool {
	text, ok := replyOf(err)
	switch {
	case !ok: // the connection broke, or the other side is no Redis server
		return isForeign(err)
	case beginsWith(text, "NOAUTH"):
		return !withPassword
	}
	return beginsWith(text, "DENIED") || beginsWith(text, "ERR max number of clients")
}

// isForeign reports whether the other side speaks another protocol.
func isForeign(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "redis: can't parse") || strings.HasPrefix(text, "redis: invalid reply")
}

// A greetingError is the reason why a server refuses a connection. It does not
// unwrap to the reply, because the client library would then ignore the error.
// [replyOf] returns the reply.
type greetingError struct{ err error }

// Error implements error.
func (e *greetingError) Error() string { return e.err.Error() }

var _ goredis.Hook = greeting{}
