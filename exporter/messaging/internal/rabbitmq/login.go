package rabbitmq

import (
	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
)

// A login answers the broker's request for credentials.
//
// It also asks RabbitMQ to report why it refuses a user. Without the capability
// authentication_failure_close, RabbitMQ closes the connection without a reason, as it also
// does when it shuts down at that moment. The client library sends a fixed list of
// capabilities. It puts the list into the properties of the configuration before it asks for
// the Response.
type login struct {
	amqp.Authentication
	properties amqp.Table
}

func (l *login) Response() string {
	if capabilities, ok := l.properties["capabilities"].(amqp.Table); ok {
		capabilities["authentication_failure_close"] = true
	}
	return l.Authentication.Response()
}

// loginOf returns the login of a user by the method of the settings.
func loginOf(s *bus.Server, method string, properties amqp.Table) amqp.Authentication {
	var a amqp.Authentication
	switch method {
	case "EXTERNAL":
		a = &amqp.ExternalAuth{}
	case "PLAIN":
		a = &amqp.PlainAuth{Username: s.User, Password: s.Password}
	default:
		a = &amqp.AMQPlainAuth{Username: s.User, Password: s.Password}
	}
	return &login{a, properties}
}
