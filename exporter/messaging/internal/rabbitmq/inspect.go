package rabbitmq

import (
	"context"
	"errors"
	"regexp"
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A queueKind has what the broker reports about an existing queue.
type queueKind struct {
	// typ is classic, quorum or stream, or "" if the broker does not report it.
	typ string
	// limit is the argument x-delivery-limit of a quorum queue, or 0.
	limit int64
	// autoDelete reports that RabbitMQ deletes the queue, with all its messages, when its last
	// consumer ends.
	autoDelete bool
}

const (
	deliveryLimit = "x-delivery-limit"
	// notType and notLimit are arguments with which no queue can be declared. So a queue that
	// was just deleted is not declared again.
	notType, notLimit = "osp-none", "none"
)

// inspect finds out the kind of an existing queue. It declares the queue with arguments that
// differ from the queue's own. The broker refuses the declaration, and the refusal names one
// argument of the queue. A user without the right to configure the queue learns nothing.
func (c *conn) inspect(ctx context.Context, queue string) (queueKind, error) {
	const most = 20 // more than the number of arguments that RabbitMQ compares
	i := &inspection{durable: true, args: amqp.Table{amqp.QueueTypeArg: notType, deliveryLimit: notLimit}}
	for range most {
		err := onChannel(ctx, c, func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclare(queue, i.durable, i.autoDelete, false, false, i.args)
			return err
		})
		switch code := codeOf(err); {
		case err != nil && code == 0:
			return i.kind, err // an error of the connection
		case code != amqp.PreconditionFailed, !i.learn(err):
			return i.kind, nil
		}
	}
	return i.kind, nil
}

// An inspection is a declaration that approaches the queue's own declaration with each
// refusal.
type inspection struct {
	kind                queueKind
	durable, autoDelete bool
	args                amqp.Table
}

// inequivalent matches the refusal of a declaration that differs in one argument. The value of
// the queue is none, 'v', or the value 'v' of type 't'.
var inequivalent = regexp.MustCompile(`inequivalent arg '([^']+)' for queue '(?s:.*)but current is (?:none|(?:the value )?'((?s:.*?))'(?: of type '([^']*)')?)$`)

// learn updates the inspection from a refusal. It returns false if there is no more to learn.
func (i *inspection) learn(refusal error) (more bool) {
	var answer *amqp.Error
	if !errors.As(refusal, &answer) {
		return false
	}
	match := inequivalent.FindStringSubmatch(answer.Reason)
	if match == nil {
		return false
	}
	switch name, value := match[1], match[2]; name {
	case "durable":
		i.durable = value == "true"
	case "auto_delete":
		i.autoDelete = value == "true"
		i.kind.autoDelete = i.autoDelete
	case amqp.QueueTypeArg:
		if i.kind.typ = value; value == "" {
			i.kind.typ = amqp.QueueTypeClassic
		}
		i.args[name] = value
		return value == amqp.QueueTypeQuorum
	case deliveryLimit:
		i.kind.limit, _ = strconv.ParseInt(value, 10, 64) // a value that is not a number means no limit
		return false
	default:
		i.args[name] = argument(value, match[3])
	}
	return true
}

// argument returns the value of an argument, as the broker writes it.
func argument(value, typ string) any {
	switch typ {
	case "longstr":
		return value
	case "bool":
		return value == "true"
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return n
	}
	return value
}
