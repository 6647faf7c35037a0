package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
)

// explain returns an error that says in one sentence what is wrong with the
// server or the connection. It returns an error that is already explained
// unchanged.
func (d *database) explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case neterr.ContextError(ctx, err) != nil && !neterr.Informs(err):
		return neterr.ContextError(ctx, err)
	case explained.Is(err):
		return err
	}
	if text := d.sentence(ctx, err); text != "" {
		return explained.New(err, "%s", text)
	}
	at := neterr.Server{
		Name: d.name, Timeout: d.timeout, TimeoutOption: "socket_timeout", Hint: d.tlsHint(ctx, err),
		Without: "the connection string should start with redis://", Trust: trustHint,
	}
	if explanation := at.Explain(err); explained.Is(explanation) {
		return explanation
	}
	return explained.New(err, "cannot use %s: %s", d.name, neterr.OneLine(strings.TrimPrefix(err.Error(), "redis: ")))
}

// trustHint says how to trust the authority of a server.
const trustHint = "ssl_ca_certs names the file with the authority to trust"

// sentence explains an answer of the server or of the sentinels. It returns "" if
// it has no explanation.
func (d *database) sentence(ctx context.Context, err error) string {
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
		return d.withoutSentinel(ctx, err)
	case errors.Is(err, errNoAnswer):
		return fmt.Sprintf("%s gave no answer", d.name)
	case wantsCredentials(err):
		return fmt.Sprintf("%s refuses the user or the password of the connection string, which should read like redis://user:password@host: %s", d.name, text)
	case beginsWith(answer, "DENIED"):
		return fmt.Sprintf("%s is in protected mode, in which it takes connections from its own host only; it should have a password, or protected-mode no", d.name)
	case beginsWith(answer, "MOVED") && !d.isCluster():
		return fmt.Sprintf("%s is a node of a cluster, for which the connection string should have the option osp_cluster=yes: %s", d.name, text)
	case isAnswer && has("NOPERM"):
		return fmt.Sprintf("%s does not give the user of the connection string the rights that docs/stores/redis.md lists: %s", d.name, text)
	case isAnswer && has("DB index"):
		return fmt.Sprintf("%s has no database of the number in the connection string: %s", d.name, text)
	case isAnswer:
		return fmt.Sprintf("%s answers: %s", d.name, text)
	case isForeign(err):
		return fmt.Sprintf("%s does not answer as a Redis server does: %s", d.name, neterr.OneLine(text))
	}
	return ""
}

// withoutSentinel returns the sentence for the case that none of the sentinels
// named the master.
func (d *database) withoutSentinel(ctx context.Context, err error) string {
	hint := ""
	switch {
	case errors.Is(err, goredis.Nil):
		return fmt.Sprintf("no sentinel knows %s; option sentinel of the connection string should name it as they do", d.name)
	case wantsCredentials(err):
		hint = "their user and password are the options sentinel_username and sentinel_password of the connection string"
	case neterr.RefusedTLS(err):
		hint = trustHint
	case neterr.Broken(err), neterr.TimedOut(err):
		hint = d.tlsHint(ctx, err)
	}
	if hint != "" {
		hint = " (" + hint + ")"
	}
	return fmt.Sprintf("no sentinel answers for %s%s: %s", d.name, hint, neterr.Causes(err))
}
