package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/store"
)

var withoutTLS = connstr.Own("the connection string should say ssl=false, or begin with amqp:// or rabbit://")

// An alarmError is the error for a broker that temporarily accepts no messages.
type alarmError struct {
	alarm string // the broker's words
	cause error  // what ended the waiting
}

func (e *alarmError) Error() string { return "it has an alarm: " + e.alarm }
func (e *alarmError) Unwrap() error { return e.cause }

// An unansweredError is the error for a server that closed the connection before it sent
// anything.
type unansweredError struct{ error }

func (e *unansweredError) Unwrap() error { return e.error }

// A propertiesError is the error for a queue or an exchange that can never be declared.
type propertiesError struct{ error }

func (e *propertiesError) Unwrap() error { return e.error }

// A serversError has the errors of several servers.
type serversError struct{ errs []error }

func (e *serversError) Unwrap() []error { return e.errs }

func (e *serversError) Error() string {
	texts := make([]string, len(e.errs))
	for i, err := range e.errs {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// joined joins the explained errors of several servers.
func joined(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	several := &serversError{errs}
	return explained.New(several, "%s", several.Error())
}

// explain returns an error that says in one sentence what is wrong with the brokers.
func (b *Bus) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var alarm *alarmError
	if ended := neterr.ContextError(ctx, err); ended != nil && !neterr.Informs(err) && !errors.As(err, &alarm) {
		return ended
	}
	return b.explainFrom(b.name, err)
}

// explainAt explains an error of the attempt to connect to a server.
func (b *Bus) explainAt(ctx context.Context, s *bus.Server, err error) error {
	if ended := neterr.ContextError(ctx, err); ended != nil && !neterr.Informs(err) {
		return ended
	}
	return b.explainFrom(nameOf(s), err)
}

// explainFrom explains an error of the server with this name. An ended context needs no
// explanation.
func (b *Bus) explainFrom(name string, err error) error {
	var alarm *alarmError
	switch {
	case err == nil, explained.Is(err):
		return err
	case errors.As(err, &alarm):
		return explained.New(err, "%s takes no messages at the moment, because %s", name, alarm.Error())
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	if text := b.sentence(name, err); text != "" {
		return explained.New(err, "%s", text)
	}
	at := neterr.Server{
		Name: name, Timeout: b.config.Timeout, TimeoutOption: "osp_timeout",
		Without: withoutTLS,
		Trust:   "ssl_ca_file names the file with the authority to trust",
	}
	var unanswered *unansweredError
	if b.config.TLS == nil && errors.As(err, &unanswered) && neterr.Broken(err) {
		at.Hint = "where it speaks TLS only, the connection string should say ssl=true"
	}
	if explanation := at.Explain(err, amqp.ErrClosed); explained.Is(explanation) {
		return explanation
	}
	return explained.New(err, "cannot use %s: %s", name, neterr.OneLine(err.Error()))
}

// sentence explains an answer of the broker. It returns "" if there is none.
func (b *Bus) sentence(name string, err error) string {
	var (
		answer   *amqp.Error
		returned *returnedError
	)
	switch {
	case errors.As(err, &returned):
		return fmt.Sprintf("%s cannot deliver: %s", name, returned)
	case errors.Is(err, errRefused):
		return fmt.Sprintf("%s refused a message: %s", name, errRefused)
	case errors.Is(err, errSpeaksTLS):
		return fmt.Sprintf("%s speaks TLS: the connection string should say ssl=true", name)
	case errors.Is(err, amqp.ErrSASL):
		return fmt.Sprintf("%s offers no login by the method %s: option rabbit_login_method of the connection string should name another one", name, b.loginMethod())
	case errors.Is(err, amqp.ErrClosed), !errors.As(err, &answer):
		return ""
	case !answer.Server:
		return fmt.Sprintf("%s does not answer as RabbitMQ does: %s", name, inner(answer.Reason))
	}
	return b.answered(name, answer)
}

// answered explains an answer of the broker by its code.
func (b *Bus) answered(name string, answer *amqp.Error) string {
	text := shortened(answer.Reason)
	switch keyOf(answer) {
	case "320":
		return fmt.Sprintf("%s closed the connection: %s", name, text)
	case "403":
		if strings.Contains(answer.Reason, "Login was refused") {
			return fmt.Sprintf("%s refuses the user or the password of the connection string: %s", name, text)
		}
		return fmt.Sprintf("%s does not give the user of the connection string the rights that docs/stores/messaging.md lists: %s", name, text)
	case "404":
		if strings.Contains(answer.Reason, "has crashed and failed to restart") {
			return fmt.Sprintf("%s has a queue that failed, as with a full disk, and that works again after a restart of the broker: %s", name, text)
		}
	case "403 exclusive", "405":
		return fmt.Sprintf("%s has given the queue to another reader: %s", name, text)
	case "530":
		return fmt.Sprintf("%s does not let the user of the connection string into the virtual host %q: %s", name, b.config.VirtualHost, text)
	case "530 limit":
		return fmt.Sprintf("%s takes no more connections: %s", name, text)
	case "540":
		return fmt.Sprintf("%s cannot read the queue as a queue, because it is a stream: %s", name, text)
	case "541 deprecated":
		return fmt.Sprintf("%s takes no queues that are not durable: the connection string should say amqp_durable_queues=true, as the services should: %s", name, text)
	}
	return fmt.Sprintf("%s answers: %d %s", name, answer.Code, text)
}

// inner returns the reason inside an error of the client library that quotes another error.
func inner(reason string) string {
	if match := quotedReason.FindStringSubmatch(reason); match != nil {
		return shortened(match[1])
	}
	return shortened(reason)
}

var quotedReason = regexp.MustCompile(`^Exception \(\d+\) Reason: "(.*)"$`)

func (b *Bus) loginMethod() string {
	if b.settings.LoginMethod == "" {
		return "AMQPLAIN"
	}
	return b.settings.LoginMethod
}

// reasonOf returns the text of the broker's answer in a chain of errors.
func reasonOf(err error) string {
	var answer *amqp.Error
	if errors.As(err, &answer) {
		return shortened(answer.Reason)
	}
	return ""
}

// shortened returns a text of the broker on one line.
func shortened(text string) string {
	const most = 500
	text = neterr.OneLine(text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// transient explains an error of a sequence, and marks the error if it may pass.
func (b *Bus) transient(ctx context.Context, err error) error {
	err = b.explain(ctx, err)
	if err != nil && ctx.Err() == nil && isTransient(err) {
		return &store.TransientError{Err: err}
	}
	return err
}
