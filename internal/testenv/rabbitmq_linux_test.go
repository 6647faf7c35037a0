package testenv

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Every test has a virtual host of its own, and RabbitMQAPI shows the queues of that host.
func TestRabbitMQHasAVirtualHostForEveryTest(t *testing.T) {
	t.Parallel()
	first, second := RabbitMQ(t), RabbitMQ(t)
	if first == second {
		t.Fatalf("both are %s", first)
	}
	a, b := RabbitMQAPI(t, first), RabbitMQAPI(t, second)
	a.Declare("q", true, nil)
	if got := b.Queues(); len(got) != 0 {
		t.Errorf("another virtual host has queues: %v", got)
	}
	for _, body := range []string{"1", "2"} {
		if !a.Publish("", "q", []byte(body), RabbitMQProperties{ContentType: "application/json", DeliveryMode: 2}) {
			t.Error("not routed")
		}
	}
	for i := range 2 { // reading leaves them there
		got := a.Messages("q")
		if len(got) != 2 || string(got[0].Body) != "1" || string(got[1].Body) != "2" || got[0].Redelivered != (i == 1) {
			t.Errorf("%d: %+v", i, got)
		}
	}
	if q := a.Queues()["q"]; q.Messages != 2 || q.Ready != 2 || !q.Durable || q.Type != "classic" {
		t.Errorf("%+v", q)
	}
	if got := a.Take("q"); len(got) != 2 || got[0].Properties.ContentType != "application/json" || got[0].RoutingKey != "q" {
		t.Errorf("%+v", got)
	}
	if q := a.Queues()["q"]; q.Messages != 0 {
		t.Errorf("after Take: %+v", q)
	}
}

// A virtual host and its queues are deleted after its test.
func TestRabbitMQVirtualHostIsDeleted(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("", func(t *testing.T) {
		url = RabbitMQ(t)
		RabbitMQAPI(t, url).Declare("q", true, nil)
	})
	if url == "" {
		t.Skip("no RabbitMQ")
	}
	if _, err := amqp.Dial(amqpURL(url)); err == nil || !strings.Contains(err.Error(), "not found") && !errors.Is(err, amqp.ErrVhost) {
		t.Errorf("the virtual host of another test: %v", err)
	}
}

// amqpURL returns a connection string as the client library needs it.
func amqpURL(url string) string {
	url, _, _ = strings.Cut(url, "?")
	return "amqp" + strings.TrimPrefix(url, "rabbit")
}

// A publisher publishes persistent messages and waits for the confirms.
type publisher struct {
	channel  *amqp.Channel
	confirms chan amqp.Confirmation
}

func newPublisher(t *testing.T, url string) *publisher {
	t.Helper()
	c, err := amqp.Dial(amqpURL(url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	p := &publisher{}
	if p.channel, err = c.Channel(); err == nil {
		err = p.channel.Confirm(false)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.confirms = p.channel.NotifyPublish(make(chan amqp.Confirmation, 100))
	return p
}

// publish publishes a message to a queue. It returns nil if the confirm comes in time.
func (p *publisher) publish(queue, body string, limit time.Duration) error {
	if err := p.channel.Publish("", queue, false, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte(body)}); err != nil {
		return err
	}
	return p.await(limit)
}

func (p *publisher) await(limit time.Duration) error {
	select {
	case confirm, ok := <-p.confirms:
		if !ok || !confirm.Ack {
			return errors.New("not confirmed")
		}
		return nil
	case <-time.After(limit):
		return errors.New("no confirm in time")
	}
}

func TestRabbitMQIsKilledHaltedAndRestarted(t *testing.T) {
	t.Parallel()
	s := StartRabbitMQ(t)
	v := RabbitMQAPI(t, s.RabbitMQ())
	v.Declare("q", true, nil)
	c := newPublisher(t, s.RabbitMQ())
	if err := c.publish("q", "1", patience); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	for _, body := range []string{"2", "3"} {
		if err := c.publish("q", body, 150*time.Millisecond); err == nil {
			t.Error("a halted server confirms")
		}
	}
	s.Continue()
	for range 2 { // also the second one
		if err := c.await(patience); err != nil {
			t.Error(err)
		}
	}
	s.Kill()
	if _, err := amqp.Dial(amqpURL(s.RabbitMQ())); err == nil {
		t.Error("a killed server answers")
	}
	s.Restart()
	if got := v.Messages("q"); len(got) != 3 || string(got[0].Body) != "1" || string(got[2].Body) != "3" {
		t.Errorf("after a restart: %+v, %s", got, s.Log())
	}
}

func TestRabbitMQAlarmsAndUsers(t *testing.T) {
	t.Parallel()
	s := StartRabbitMQ(t)
	v := RabbitMQAPI(t, s.RabbitMQ())
	v.Declare("q", true, nil)
	c := newPublisher(t, s.RabbitMQ())
	for name, alarm := range map[string][2]func(){
		"memory": {s.RaiseMemoryAlarm, s.ClearMemoryAlarm}, "disk space": {s.RaiseDiskAlarm, s.ClearDiskAlarm},
	} {
		alarm[0]()
		awaitAlarms(t, v, name)
		if err := c.publish("q", name, 300*time.Millisecond); err == nil {
			t.Errorf("%s: a server with an alarm confirms", name)
		}
		alarm[1]()
		awaitAlarms(t, v)
		if err := c.await(patience); err != nil {
			t.Errorf("%s: after the alarm: %v", name, err)
		}
	}
	v.AddUser("limited", Password)
	own := strings.Replace(s.RabbitMQ(), "guest:guest", "limited:"+Password, 1)
	if _, err := amqp.Dial(amqpURL(own)); err == nil {
		t.Error("a user without permission may use the virtual host")
	}
	v.Permit("limited", "", "", ".*")
	if err := newPublisher(t, own).publish("q", "x", patience); err == nil {
		t.Error("a user without permission may publish")
	}
	if _, err := amqp.Dial(amqpURL(strings.Replace(own, Password, "wrong", 1))); !errors.Is(err, amqp.ErrCredentials) {
		t.Errorf("with a wrong password: %v", err)
	}
	onlyLoopback(t, s)
}

func TestRabbitMQTLS(t *testing.T) {
	t.Parallel()
	c := NewCertificates(t, "")
	s := StartRabbitMQTLS(t, c, "ssl_options.fail_if_no_peer_cert = true")
	config, err := trustOf(c.Authority)
	if err != nil {
		t.Fatal(err)
	}
	config.ServerName = "localhost"
	url := strings.Replace(amqpURL(s.RabbitMQ()), "amqp:", "amqps:", 1)
	if conn, err := amqp.DialTLS(url, config); err == nil {
		t.Error("a client without a certificate is let in")
		conn.Close()
	}
	own, err := tls.LoadX509KeyPair(c.Client, c.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	config.Certificates = []tls.Certificate{own}
	conn, err := amqp.DialTLS(url, config)
	if err != nil {
		t.Fatal(err, s.Log())
	}
	conn.Close()
}

// The proxy cuts a connection in the middle of a message, which the queue then lacks.
func TestProxyCutsRabbitMQ(t *testing.T) {
	t.Parallel()
	url := RabbitMQ(t)
	v := RabbitMQAPI(t, url)
	v.Declare("q", true, nil)
	_, rest, _ := strings.Cut(url, "@")
	addr, _, _ := strings.Cut(rest, "/")
	p := NewProxy(t, addr)
	c := newPublisher(t, strings.Replace(url, addr, p.Addr(), 1))
	if err := c.publish("q", "whole", patience); err != nil {
		t.Fatal(err)
	}
	p.CutAfter(1000)
	if err := c.publish("q", strings.Repeat("x", 10_000), patience); err == nil || p.Cuts() != 1 {
		t.Errorf("after %d cuts: %v", p.Cuts(), err)
	}
	if got := v.Messages("q"); len(got) != 1 || string(got[0].Body) != "whole" {
		t.Errorf("%d messages", len(got))
	}
}

func TestRabbitMQCluster(t *testing.T) {
	t.Parallel()
	c := StartRabbitMQCluster(t)
	v := RabbitMQAPI(t, c.URL)
	v.SetPolicy("mirrored", "^mirrored", map[string]any{"ha-mode": "all", "ha-sync-mode": "automatic"})
	v.Declare("mirrored", true, nil)
	v.Declare("quorum", true, map[string]any{"x-queue-type": "quorum"})
	queues := []string{"mirrored", "quorum"}
	for _, queue := range queues {
		if err := newPublisher(t, c.Leader(queue).RabbitMQ()).publish(queue, "kept", patience); err != nil {
			t.Fatal(err)
		}
	}
	leader := c.Leader("quorum")
	leader.Kill()
	for _, queue := range queues {
		if c.Leader(queue) == leader {
			t.Errorf("%s: the leader is the killed node", queue)
		}
		if got := v.Messages(queue); len(got) != 1 || string(got[0].Body) != "kept" {
			t.Errorf("%s: %+v", queue, got)
		}
	}
	leader.Restart()
	if err := newPublisher(t, leader.RabbitMQ()).publish("quorum", "later", patience); err != nil {
		t.Error(err)
	}
	if q := v.AwaitQueue("quorum", func(q RabbitMQQueue) bool { return q.Messages == 2 }); len(q.Members) != 3 {
		t.Errorf("%+v", q)
	}
}
