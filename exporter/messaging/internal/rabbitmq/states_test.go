package rabbitmq

import (
	"errors"
	"fmt"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate/statetest"
)

func TestStatesOnPage(t *testing.T) {
	statetest.Check(t, &states, "*_test.go", "../../../../docs/stores/messaging-rabbitmq.md")
}

// Answers that no test can cause have the texts of RabbitMQ's sources.
func TestClassOf(t *testing.T) {
	answer := func(code int, reason string) error {
		return fmt.Errorf("declaring: %w", &amqp.Error{Code: code, Reason: reason, Server: true})
	}
	for text, c := range map[string]struct {
		err  error
		want serverstate.Class
	}{
		"stopping":      {answer(320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"), serverstate.Passes},
		"node down":     {answer(404, "NOT_FOUND - queue 'q' in vhost '/' process is stopped by supervisor"), serverstate.Passes},
		"late":          {answer(406, "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 1800000 ms"), serverstate.Passes},
		"size":          {answer(406, "PRECONDITION_FAILED - message size 300 is larger than configured max size 200"), serverstate.Row},
		"vhost is down": {answer(541, "INTERNAL_ERROR - access to vhost '/' refused for user 'u': vhost '/' is down"), serverstate.Passes},
		"user limit":    {answer(530, "NOT_ALLOWED - connection refused for user 'u': user connection limit (1) is reached"), serverstate.Passes},
		"deprecated":    {answer(541, "INTERNAL_ERROR - Feature `transient_nonexcl_queues` is deprecated."), serverstate.Stays},
		"new code":      {answer(599, "SOMETHING"), serverstate.Unknown},
		"own error":     {&amqp.Error{Code: 403, Reason: "username or password not allowed"}, serverstate.Unknown},
		"alarm":         {&alarmError{"low on disk", errors.New("late")}, serverstate.Passes},
		"no right":      {&returnedError{"e", "t", answer(403, "ACCESS_REFUSED")}, serverstate.Stays},
		"not bound":     {&returnedError{"e", "t", nil}, serverstate.Passes},
		"one of two":    {&serversError{[]error{answer(403, "ACCESS_REFUSED"), answer(320, "CONNECTION_FORCED")}}, serverstate.Passes},
		"both":          {&serversError{[]error{answer(403, "ACCESS_REFUSED"), answer(530, "NOT_ALLOWED")}}, serverstate.Stays},
	} {
		if got := classOf(c.err); got != c.want {
			t.Errorf("%s: the class is %v, want %v", text, got, c.want)
		}
	}
}
