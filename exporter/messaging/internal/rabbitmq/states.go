package rabbitmq

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// states are the reply codes of RabbitMQ. If a code has several meanings, a word after the
// code stands for a part of the text.
var states = serverstate.Table{
	Source: "AMQP 0-9-1, reply codes; RabbitMQ 3.10.8, rabbit_reader.erl and rabbit_channel.erl",
	States: []serverstate.State{
		{Code: "311", Name: "CONTENT_TOO_LARGE", Class: serverstate.Row},
		{Code: "320", Name: "CONNECTION_FORCED: the broker stops, or an operator closed the connection", Class: serverstate.Passes, Ran: "TestConnectionForced"},
		{Code: "402", Name: "INVALID_PATH", Class: serverstate.Stays},
		{Code: "403", Name: "ACCESS_REFUSED: the user, the password, or the rights of the user", Class: serverstate.Stays, Ran: "TestWrongCredentials"},
		{Code: "403 exclusive", Name: "ACCESS_REFUSED: another consumer has the queue for itself", Class: serverstate.Passes, Ran: "TestExclusiveConsumer"},
		{Code: "404", Name: "NOT_FOUND: an exchange or a queue was deleted; it is declared again", Class: serverstate.Passes, Ran: "TestExchangeDeleted"},
		{Code: "405", Name: "RESOURCE_LOCKED: the queue belongs to another connection, or lets one consumer read only", Class: serverstate.Passes, Ran: "TestExclusiveQueue"},
		{Code: "406", Name: "PRECONDITION_FAILED: acknowledged too late, or declared otherwise", Class: serverstate.Passes, Ran: "TestDeclaredOtherwise"},
		{Code: "406 size", Name: "PRECONDITION_FAILED: the message is larger than max_message_size", Class: serverstate.Row, Ran: "TestTooLarge"},
		{Code: "501", Name: "FRAME_ERROR", Class: serverstate.Unknown},
		{Code: "502", Name: "SYNTAX_ERROR", Class: serverstate.Stays},
		{Code: "503", Name: "COMMAND_INVALID", Class: serverstate.Unknown},
		{Code: "504", Name: "CHANNEL_ERROR", Class: serverstate.Unknown},
		{Code: "505", Name: "UNEXPECTED_FRAME", Class: serverstate.Unknown},
		{Code: "506", Name: "RESOURCE_ERROR: out of channels or memory", Class: serverstate.Passes},
		{Code: "530", Name: "NOT_ALLOWED: there is no such virtual host, or the user has no access to it", Class: serverstate.Stays, Ran: "TestVirtualHost"},
		{Code: "530 limit", Name: "NOT_ALLOWED: the limit of connections is reached", Class: serverstate.Passes, Ran: "TestConnectionLimit"},
		{Code: "540", Name: "NOT_IMPLEMENTED: the queue is a stream, or the broker is not RabbitMQ", Class: serverstate.Stays, Ran: "TestStream"},
		{Code: "541", Name: "INTERNAL_ERROR: the node starts or stops, or the queue has lost its quorum", Class: serverstate.Passes},
		{Code: "541 deprecated", Name: "INTERNAL_ERROR: RabbitMQ 4.3 takes no queues that are not durable", Class: serverstate.Stays},
	},
}

// codeOf returns the reply code of the broker in a chain of errors, or 0.
func codeOf(err error) int {
	var answer *amqp.Error
	if errors.As(err, &answer) && answer.Server {
		return answer.Code
	}
	return 0
}

// isNoQueue reports whether a queue does not exist. The broker uses the same code for a queue
// whose node is down.
func isNoQueue(err error) bool {
	var answer *amqp.Error
	return codeOf(err) == amqp.NotFound && errors.As(err, &answer) && strings.Contains(answer.Reason, "no queue '")
}

// keyOf returns the key of an answer in the table states.
func keyOf(answer *amqp.Error) string {
	code := strconv.Itoa(answer.Code)
	for _, word := range []string{"limit", "deprecated", "exclusive"} {
		if strings.Contains(answer.Reason, word) {
			if _, ok := states.Exactly(code + " " + word); ok {
				return code + " " + word
			}
		}
	}
	if _, ok := largestOf(answer); ok {
		return code + " size"
	}
	return code
}

var tooLarge = regexp.MustCompile(`message size \d+ is larger than (?:configured )?max size (\d+)`)

// largestOf returns the size of the largest message that the broker accepts, if the answer
// states it.
func largestOf(err error) (largest int, ok bool) {
	var answer *amqp.Error
	if !errors.As(err, &answer) || answer.Code != amqp.PreconditionFailed {
		return 0, false
	}
	match := tooLarge.FindStringSubmatch(answer.Reason)
	if match == nil {
		return 0, false
	}
	largest, err = strconv.Atoi(match[1])
	return largest, err == nil && largest > 0
}

// isSize reports whether the broker has refused the size of a message.
func isSize(err error) bool {
	_, ok := largestOf(err)
	return ok || codeOf(err) == amqp.ContentTooLarge
}

// isTransient reports whether the same call may succeed later.
func isTransient(err error) bool { return classOf(err).IsTransient() }

// classOf returns the class of an error. The class of an error of several servers is Stays
// only if the class of each server's error is.
func classOf(err error) serverstate.Class {
	var (
		several  *serversError
		answer   *amqp.Error
		alarm    *alarmError
		returned *returnedError
		wrong    *propertiesError
	)
	switch {
	case errors.As(err, &wrong):
		return serverstate.Stays
	case errors.As(err, &several):
		class := serverstate.Stays
		for _, one := range several.errs {
			class = min(class, classOf(one))
		}
		return class
	case errors.As(err, &answer) && answer.Server:
		if state, ok := states.Exactly(keyOf(answer)); ok {
			return state.Class
		}
		return serverstate.Unknown
	case errors.As(err, &alarm), errors.Is(err, errRefused):
		return serverstate.Passes
	case errors.As(err, &returned):
		return serverstate.Passes
	case errors.Is(err, amqp.ErrSASL), errors.Is(err, errSpeaksTLS), errors.Is(err, errDeliveries), errors.Is(err, errCrowded), errors.Is(err, errStream):
		return serverstate.Stays
	}
	class, _ := neterr.ClassOf(err, amqp.ErrClosed)
	return class
}
