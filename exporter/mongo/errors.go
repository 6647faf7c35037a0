package mongo

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// explain returns an error that says in one sentence what is wrong with the
// server or the connection. An error that is explained already stays as it is.
func (d *database) explain(ctx context.Context, err error) error {
	switch {
	case err == nil, errors.Is(err, store.ErrClosed):
		return err
	case neterr.ContextError(ctx, err) != nil && !d.informs(err):
		return neterr.ContextError(ctx, err)
	case explained.Is(err):
		return err
	}
	if text := d.sentence(err); text != "" {
		return explained.New(err, "%s", text)
	}
	if explanation := d.server().Explain(err); explained.Is(explanation) {
		return explanation
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return explained.New(err, "%s did not answer within the socketTimeoutMS of %v", d.name, d.timeout)
	}
	return explained.New(err, "cannot use %s: %s", d.name, neterr.OneLine(err.Error()))
}

// informs reports whether the error of a call whose context has ended says why the call
// failed.
func (d *database) informs(err error) bool {
	if code, _ := codeOf(err); code != 0 {
		return true
	}
	for _, refusal := range selectionErrors(err) {
		if neterr.Informs(refusal) {
			return true
		}
	}
	return neterr.Informs(err)
}

// server describes the server in sentences about the connection.
func (d *database) server() *neterr.Server {
	s := &neterr.Server{
		Name: d.name, Timeout: d.timeout, TimeoutOption: "socketTimeoutMS", Trust: trustHint,
		Without: "the connection string should have the option tls=false, or none about TLS",
	}
	switch {
	case len(d.addrs) == 0:
	case d.withTLS:
		s.Hint = "if it does not speak TLS, the connection string should have the option tls=false"
	default:
		s.Hint = "if it speaks TLS, the connection string should have the option tls=true"
	}
	return s
}

// trustHint says how to trust the authority of a server.
const trustHint = "tlsCAFile names the file with the authority to trust"

// userHint shows how a connection string names a user.
var userHint = connstr.Own("which should read like mongodb://user:password@host/?authSource=admin")

// sentence explains an answer of the server or the lack of a server. It returns ""
// if the error is neither.
func (d *database) sentence(err error) string {
	code, message := codeOf(err)
	switch login := badLogin(err); {
	case login != "":
		return fmt.Sprintf("%s refuses the user or the password of the connection string, %s: %s", d.name, userHint, login)
	case wantsLogin(err):
		return fmt.Sprintf("%s wants a user and a password in the connection string, %s: %s", d.name, userHint, message)
	case code == codeUnauthorized, code == codeAtlas:
		return fmt.Sprintf("%s does not give the user%s the rights that docs/stores/mongodb.md lists: %s", d.name, quotedUser(d.user), message)
	case isConcern(err):
		return fmt.Sprintf("%s did not confirm the write as the write concern asks (options w and journal of the connection string): %s (%d)", d.name, message, code)
	case code != 0:
		return fmt.Sprintf("%s answers: %s (%d)", d.name, message, code)
	case errors.Is(err, errUnacknowledged):
		return fmt.Sprintf("nobody knows whether %s wrote it: %s", d.name, err)
	case errors.As(err, &topology.WaitQueueTimeoutError{}):
		return fmt.Sprintf("no connection to %s became free in time; option maxPoolSize of the connection string should be larger", d.name)
	case isPoolCleared(err):
		_, cause, _ := strings.Cut(err.Error(), "failed with: ")
		return fmt.Sprintf("the connections to %s were closed for another failure: %s", d.name, connectionID.ReplaceAllString(neterr.OneLine(cause), ""))
	case isIncompatible(err):
		return fmt.Sprintf("%s has a version that the client library does not support: %s", d.name, neterr.OneLine(err.Error()))
	}
	return d.withoutServer(err)
}

// connectionID is what the client library writes before an error of a connection.
var connectionID = regexp.MustCompile(`connection\([^)]*\) `)

func quotedUser(user string) string {
	if user == "" {
		return ""
	}
	return fmt.Sprintf(" %q", user)
}

func isConcern(err error) bool {
	var concern concernError
	return errors.As(err, &concern)
}

// isIncompatible reports whether the server is too old or too new for the client
// library.
func isIncompatible(err error) bool {
	text := err.Error()
	return strings.Contains(text, "wire version") && strings.Contains(text, "requires")
}

// withoutServer explains why the client library found no server that it can use.
func (d *database) withoutServer(err error) string {
	var selection topology.ServerSelectionError
	if !errors.As(err, &selection) {
		return ""
	}
	refusals := selectionErrors(err)
	if len(refusals) == 0 {
		role := "server that the read preference allows"
		if strings.Contains(selection.Desc.Kind.String(), "NoPrimary") {
			role = "primary"
		}
		return fmt.Sprintf("%s has no %s that can be reached; the hosts of the connection string and its option replicaSet should be those of the replica set", d.name, role)
	}
	at := d.server()
	if len(refusals) == 1 && errors.Is(refusals[0], context.Canceled) { // the client library abandoned its own attempt
		hint := ""
		if at.Hint != "" {
			hint = "; " + at.Hint
		}
		return fmt.Sprintf("cannot connect to %s: the last attempt ended without an answer%s", d.name, hint)
	}
	explanation := at.Explain(errors.Join(refusals...))
	if explained.Is(explanation) && len(refusals) == 1 {
		return explanation.Error()
	}
	if neterr.RefusedTLS(refusals[0]) {
		return explanation.Error()
	}
	return fmt.Sprintf("cannot connect to %s: %s", d.name, neterr.Causes(errors.Join(refusals...)))
}
