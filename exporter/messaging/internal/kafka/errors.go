package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/store"
)

// failure explains the error of a call, and marks the error if it may pass.
func (b *cluster) failure(ctx context.Context, w *watch, err error) error {
	if err == nil {
		return nil
	}
	explanation := b.explain(ctx, w, err)
	if ended := ctx.Err(); ended != nil && errors.Is(explanation, ended) || !b.classOf(explanation).IsTransient() {
		return explanation
	}
	return &store.TransientError{Err: explanation}
}

// explain returns an error that says in one sentence what is wrong with the brokers or the
// connection. An error that is already explained is returned unchanged. If the error only
// reports a timeout, explain uses the reason of the watch instead.
func (b *cluster) explain(ctx context.Context, w *watch, err error) error {
	switch {
	case err == nil, explained.Is(err), errors.Is(err, store.ErrClosed):
		return err
	case errors.Is(err, kgo.ErrClientClosed):
		return store.ErrClosed
	case neterr.ContextError(ctx, err) != nil && !neterr.Informs(err):
		return neterr.ContextError(ctx, err)
	}
	if isVague(err) {
		if reason := w.reason(2 * b.config.Timeout); reason != nil {
			err = reason
		}
	}
	if mismatch := w.mismatch(2 * b.config.Timeout); mismatch != nil && (isVague(err) || neterr.Broken(err)) {
		err = mismatch
	}
	if text := b.sentence(w, err); text != "" {
		return explained.New(err, "%s", text)
	}
	if explanation := b.server(w).Explain(err); explained.Is(explanation) {
		return explanation
	}
	switch {
	case errors.Is(err, errUnconfirmed):
		return explained.New(err, "%s did not confirm within the osp_timeout of %v", b.name, b.config.Timeout)
	case isReconnecting(err):
		return explained.New(err, "the connection to %s was lost", b.name)
	case isVague(err):
		return explained.New(err, "%s did not answer within the osp_timeout of %v", b.name, b.config.Timeout)
	}
	return explained.New(err, "cannot use %s: %s", b.name, neterr.OneLine(err.Error()))
}

// A goneError says that a topic was deleted while it was used.
type goneError struct {
	topic string
	err   error
}

// Error implements error.
func (e *goneError) Error() string { return e.err.Error() }

// Unwrap returns the broker's answer.
func (e *goneError) Unwrap() error { return e.err }

// errUnconfirmed is the error for a message whose confirmation did not come in time.
var errUnconfirmed = errors.New("no confirmation")

// isVague reports whether an error says only that the library gave up, or that it must connect
// again.
func isVague(err error) bool {
	if answerOf(err) != nil {
		return false
	}
	for _, one := range []error{errUnconfirmed, kgo.ErrRecordTimeout, kgo.ErrRecordRetries, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, one) {
			return true
		}
	}
	return isReconnecting(err)
}

// isReconnecting reports whether another request had already lost the library's connection.
// The library exports no error value for this.
func isReconnecting(err error) bool {
	_, isAboutConnection := neterr.ClassOf(err)
	return kgo.IsRetryableBrokerErr(err) && !isAboutConnection
}

// answerOf returns the error that a broker sent, or nil.
func answerOf(err error) *kerr.Error {
	var answer *kerr.Error
	errors.As(err, &answer)
	return answer
}

// server describes the brokers for sentences about the connection. The hint about TLS applies
// only to brokers that have never answered.
func (b *cluster) server(w *watch) *neterr.Server {
	s := &neterr.Server{
		Name: b.name, Timeout: b.config.Timeout, TimeoutOption: "osp_timeout",
		Trust:   "ssl_cafile names the file with the authority to trust",
		Without: "security_protocol should be PLAINTEXT or SASL_PLAINTEXT",
	}
	switch {
	case w.hasAnswer():
	case b.config.TLS == nil:
		s.Hint = "where it speaks TLS, security_protocol should be SSL or SASL_SSL"
	default:
		s.Hint = "where it does not speak TLS, security_protocol should be PLAINTEXT or SASL_PLAINTEXT"
	}
	return s
}

// sentence explains an answer of a broker, or a connection that the broker closed at once. It
// returns "" for other errors.
func (b *cluster) sentence(w *watch, err error) string {
	answer := answerOf(err)
	var gone *goneError
	switch {
	case errors.As(err, &gone):
		return fmt.Sprintf("the topic %q of %s was deleted; the next attempt makes it again, if the broker does that", gone.topic, b.name)
	case answer == nil:
		return b.mismatch(w, err)
	}
	detail := detailOf(err, answer)
	switch answer {
	case kerr.SaslAuthenticationFailed:
		return fmt.Sprintf("%s refuses the user %q of the transport URL or the password: %s", b.name, b.user, detail)
	case kerr.UnsupportedSaslMechanism:
		return fmt.Sprintf("%s does not offer %s; the option sasl_mechanism should name another mechanism", b.name, b.mechanism)
	case kerr.IllegalSaslState:
		return fmt.Sprintf("%s does not use SASL; security_protocol should be PLAINTEXT or SSL", b.name)
	case kerr.GroupAuthorizationFailed:
		return fmt.Sprintf("%s gives %s no right to read in the consumer group %q", b.name, b.who(), b.group)
	case kerr.InconsistentGroupProtocol:
		return fmt.Sprintf("the consumer group %q of %s has members that divide the partitions neither by cooperative-sticky nor by range; the option consumer_group should name another group", b.group, b.name)
	case kerr.ClusterAuthorizationFailed:
		return fmt.Sprintf("%s gives %s no right to write idempotently (IDEMPOTENT_WRITE)", b.name, b.who())
	}
	return b.aboutTopic(err, answer)
}

// aboutTopic explains an answer about a topic, and every other answer.
func (b *cluster) aboutTopic(err error, answer *kerr.Error) string {
	topic := b.topic()
	var about *topicError
	if errors.As(err, &about) {
		topic = about.topic
	}
	switch answer {
	case kerr.TopicAuthorizationFailed:
		return fmt.Sprintf("%s gives %s no right to the topic %q, or no right to create it", b.name, b.who(), topic)
	case kerr.UnknownTopicOrPartition:
		return fmt.Sprintf("%s has no topic %q and does not create it (auto.create.topics.enable); an operator should create it, or the option topics should name another", b.name, topic)
	case kerr.InvalidTopicException:
		return fmt.Sprintf("%s cannot have a topic of the name %q; it should have letters, digits, \".\", \"_\" and \"-\" only", b.name, topic)
	case kerr.MessageTooLarge, kerr.RecordListTooLarge:
		return fmt.Sprintf("the topic %q of %s takes no message that is larger than its max.message.bytes: %s", topic, b.name, answer.Message)
	}
	return fmt.Sprintf("%s answers %s: %s", b.name, answer.Message, answer.Description)
}

// who names the user in sentences about rights.
func (b *cluster) who() string {
	if b.user == "" {
		return "a client without a user"
	}
	return fmt.Sprintf("the user %q", b.user)
}

// mismatch explains a connection that the broker closed at once, because the broker expects
// TLS, no TLS, or SASL. It returns "" for other errors.
func (b *cluster) mismatch(w *watch, err error) string {
	var first *kgo.ErrFirstReadEOF
	var request *firstRequestError
	isFirst, isRequest := errors.As(err, &first), errors.As(err, &request)
	switch {
	case speaksTLS(err):
		return fmt.Sprintf("%s speaks TLS; security_protocol should be SSL or SASL_SSL", b.name)
	case isOtherProtocol(err):
		return fmt.Sprintf("%s does not speak Kafka's protocol; the transport URL should name the host and the port of a Kafka broker", b.name)
	case isRequest && b.mechanism == "", isFirst && strings.Contains(err.Error(), "SASL"):
		return fmt.Sprintf("%s ended the connection at the first request: it is restarting, or it expects a user, for whom security_protocol should be SASL_PLAINTEXT or SASL_SSL", b.name)
	case !isFirst:
		return ""
	}
	if hint := b.server(w).Hint; hint != "" {
		return fmt.Sprintf("%s ended the connection at once (%s)", b.name, hint)
	}
	return fmt.Sprintf("%s ended the connection at once", b.name)
}

// classOf returns the class of an error.
func (b *cluster) classOf(err error) serverstate.Class {
	var gone *goneError
	if errors.As(err, &gone) {
		return serverstate.Passes
	}
	if answer := answerOf(err); answer != nil {
		state, _ := states.Exactly(answer.Message) // the zero State is unknown
		return state.Class
	}
	if errors.Is(err, store.ErrClosed) || speaksTLS(err) || isOtherProtocol(err) {
		return serverstate.Stays
	}
	class, _ := neterr.ClassOf(err)
	return class
}

// detailOf returns the broker's text besides the code.
func detailOf(err error, answer *kerr.Error) string {
	_, detail, ok := strings.Cut(neterr.OneLine(err.Error()), answer.Error()+": ")
	if !ok {
		return answer.Message
	}
	return detail
}

// speaksTLS reports whether a broker answered in TLS. The library has no type for
// that error.
func speaksTLS(err error) bool { return hasText(err, "appear to be a tls alert") }

// isOtherProtocol reports whether the first bytes of an answer are not Kafka's protocol, such
// as the "AMQP" of RabbitMQ. The library has no type for that error either.
func isOtherProtocol(err error) bool {
	return hasText(err, "invalid large response size") || hasText(err, "invalid negative response size")
}

func hasText(err error, text string) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}
