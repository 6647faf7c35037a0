package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/reader/python"
)

// Bodies that were captured from a cloud are published unchanged. Our reader and Python
// then read them with the same result as at the time of the capture.
func TestCapturedBodies(t *testing.T) {
	t.Parallel()
	bodies := strings.Split(strings.TrimSpace(read(t, "testdata/openstack/18-keystone-messaging.amqp.jsonl")), "\n")
	want := read(t, "testdata/openstack/18-keystone-messaging.report.json")
	eachScript(t, busScript, func(t *testing.T, ask asker) {
		at := testenv.RabbitMQ(t)
		publishCaptured(t, at, bodies)
		baseID := capturedBaseID(t, bodies[0])
		r, err := python.Open(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		report, err := r.Report(t.Context(), baseID)
		checkReport(t, trace{name: "captured", baseID: baseID}, want, report, err)
		var theirs raw
		ask(t, &theirs, baseID, "report", at, fmt.Sprint(idleTimeout))
		// Python's driver takes the messages with many threads, which mixes their order.
		checkReportAs(t, siblingsSorted, trace{name: "captured, read by Python", baseID: baseID}, string(theirs), report, err)
	})
}

func capturedBaseID(t *testing.T, body string) string {
	t.Helper()
	var first struct {
		Payload struct {
			BaseID string `json:"base_id"`
		}
	}
	if err := json.Unmarshal([]byte(body), &first); err != nil {
		t.Fatal(err)
	}
	return first.Payload.BaseID
}

// publishCaptured sends bodies with the properties that the captured messages have.
func publishCaptured(t *testing.T, at string, bodies []string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	u.Scheme = "amqp"
	conn, err := amqp091.Dial(u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if err := channel.Confirm(false); err != nil {
		t.Fatal(err)
	}
	if err := declare(channel, "keystone"); err != nil {
		t.Fatal(err)
	}
	for _, body := range bodies {
		if err := publishOne(t.Context(), channel, body); err != nil {
			t.Fatal(err)
		}
	}
}

// declare makes the exchange and queue that Python's writer makes for a control exchange.
func declare(channel *amqp091.Channel, exchange string) error {
	if err := channel.ExchangeDeclare(exchange, "topic", false, false, false, false, nil); err != nil {
		return err
	}
	if _, err := channel.QueueDeclare(queue, false, false, false, false, nil); err != nil {
		return err
	}
	return channel.QueueBind(queue, queue, exchange, false, nil)
}

func publishOne(ctx context.Context, channel *amqp091.Channel, body string) error {
	confirmed, err := channel.PublishWithDeferredConfirmWithContext(ctx, "keystone", queue, false, false, amqp091.Publishing{
		Headers: amqp091.Table{}, ContentType: "application/json", ContentEncoding: "utf-8", DeliveryMode: amqp091.Persistent, Body: []byte(body),
	})
	if err != nil {
		return err
	}
	if ok, err := confirmed.WaitContext(ctx); err != nil || !ok {
		return fmt.Errorf("the message is not confirmed: %w", err)
	}
	return nil
}
