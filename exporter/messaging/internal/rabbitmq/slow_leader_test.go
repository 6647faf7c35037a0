package rabbitmq_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/rabbitmq"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// leaderOf returns Erlang code that calls a function of the module sys for the process
// that leads a quorum queue of the virtual host /.
func leaderOf(queue, function string) string {
	return fmt.Sprintf(`{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"%s">>)), sys:%s(amqqueue:get_pid(Q)).`, queue, function)
}

// RabbitMQ guesses if the leader of a quorum queue does not answer. Receive does not take such
// an answer for an empty queue, and gets the message that is still to come.
func TestReceiveWhileTheLeaderIsSlow(t *testing.T) {
	t.Parallel()
	server := testenv.StartRabbitMQ(t)
	c := config(t, server.RabbitMQ())
	b := newBus(t, c, rabbitmq.Settings{QuorumQueue: true})
	mustPublish(t, b, outgoing(0, 1))
	consumption := consume(t, b)
	receive(t, consumption, 1)
	if err := consumption.Acknowledge(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	watcher := bare(t, c)
	server.RabbitMQCtl("eval", leaderOf(topic, "suspend"))
	publisher := bare(t, c)
	if err := publisher.Confirm(false); err != nil {
		t.Fatal(err)
	}
	confirm, err := publisher.PublishWithDeferredConfirm("", topic, true, false, amqp.Publishing{Body: []byte(text(1))})
	if err != nil {
		t.Fatal(err)
	}
	var resumed sync.WaitGroup
	resumed.Go(func() {
		for range 5 { // the broker needs 250 ms for each
			if q, err := watcher.QueueDeclarePassive(topic, false, false, false, false, nil); err != nil || q.Messages != 0 || q.Consumers != 0 {
				t.Errorf("%+v, %v", q, err)
			}
		}
		server.RabbitMQCtl("eval", leaderOf(topic, "resume"))
	})
	var got []string
	for m, err := range consumption.Receive(t.Context(), 10*time.Millisecond) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(m.Body))
		break
	}
	wantTexts(t, "received", got, texts(1, 1))
	resumed.Wait()
	if !confirm.Wait() {
		t.Error("the message was not confirmed")
	}
}

// A Receive whose broker never reports whether the queue is empty fails, and does not end as
// if the queue were empty.
func TestReceiveWhileTheLeaderIsSilent(t *testing.T) {
	t.Parallel()
	server := testenv.StartRabbitMQ(t)
	c := config(t, server.RabbitMQ())
	c.Timeout = 2 * time.Second
	b := newBus(t, c, rabbitmq.Settings{QuorumQueue: true})
	mustPublish(t, b, outgoing(0, 1))
	consumption := consume(t, b)
	receive(t, consumption, 1)
	server.RabbitMQCtl("eval", leaderOf(topic, "suspend"))
	defer server.RabbitMQCtl("eval", leaderOf(topic, "resume"))
	var failure error
	for _, err := range consumption.Receive(t.Context(), 10*time.Millisecond) {
		failure = err
	}
	if failure == nil || !isTransient(failure) || !strings.Contains(failure.Error(), `has not told for 2s whether the queue "profiler.info" has messages`) {
		t.Error(failure)
	}
}

// Peek refuses a part of a quorum queue, even if the broker first reports the queue as empty.
func TestPeekPartWhileTheLeaderIsSlow(t *testing.T) {
	t.Parallel()
	server := testenv.StartRabbitMQ(t)
	c := config(t, server.RabbitMQ())
	b := newBus(t, c, rabbitmq.Settings{QuorumQueue: true, DeliveryLimit: -1})
	mustPublish(t, b, outgoing(0, 50))
	watcher := bare(t, c)
	server.RabbitMQCtl("eval", leaderOf(topic, "suspend"))
	var peeked sync.WaitGroup
	peeked.Go(func() {
		if err := peekErrorOf(t.Context(), b, 10); err == nil || !strings.Contains(err.Error(), "it has 50 messages") {
			t.Errorf("the error is %v", err)
		}
	})
	for range 3 {
		if _, err := watcher.QueueDeclarePassive(topic, false, false, false, false, nil); err != nil {
			t.Error(err)
		}
	}
	server.RabbitMQCtl("eval", leaderOf(topic, "resume"))
	peeked.Wait()
	wantTexts(t, "in the queue", inQueue(t, server.RabbitMQ(), topic), texts(0, 50))
}

// Messages are on their way while the broker reports, or guesses, that the queue has no
// others. Peek waits for them.
func TestPeekWhileTheLeaderIsSlow(t *testing.T) {
	t.Parallel()
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	s := rabbitmq.Settings{QuorumQueue: true, DeliveryLimit: -1}
	mustPublish(t, newBus(t, c, s), outgoing(0, 50))
	for name, p := range map[string]frameProxy{"one guess": {guesses: 1}, "guesses": {guesses: 25}, "answers": {answers: 50}, "both": {answers: 1, guesses: 40}} {
		own := c
		own.Servers = []bus.Server{slowLeader(t, c.Servers[0], p)}
		got, more := peek(t, newBus(t, own, s), 1000)
		if wantTexts(t, name, got, texts(0, 50)); more {
			t.Error("there is more")
		}
	}
	await(t, "all are ready", func() bool { return testenv.RabbitMQAPI(t, location).Queues()[topic].Ready == 50 })
	wantTexts(t, "in the queue", inQueue(t, location, topic), texts(0, 50))
}

// slowLeader returns a proxy in front of a server that makes the server appear slow to each
// client. A consumer gets 20 messages. It gets the others only after a number of answers to
// questions about queues. The first answers are true, the later ones are guesses.
func slowLeader(t *testing.T, server bus.Server, p frameProxy) bus.Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", net.JoinHostPort(server.Host, server.Port))
			if err != nil {
				t.Error(err)
				_ = client.Close()
				return
			}
			serving.Go(func() {
				defer upstream.Close()
				_, _ = io.Copy(upstream, client)
			})
			serving.Go(func() {
				defer client.Close()
				own := p
				own.to = client
				own.run(bufio.NewReader(upstream))
			})
		}
	})
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	own := server
	own.Host, own.Port = host, port
	return own
}

// A frameProxy passes the frames of a server on.
type frameProxy struct {
	to        io.Writer
	answers   int // the number of true answers before the proxy makes guesses
	guesses   int // the number of answers that the proxy then turns into guesses, before it passes the messages
	consumes  bool
	delivered int
	held      [][]byte // the held-back frames, after the first held-back message
}

// These are the methods that the proxy handles, as class and method.
const declareOK, consumeOK, deliver = 50<<16 + 11, 60<<16 + 21, 60<<16 + 60

func (p *frameProxy) run(from *bufio.Reader) {
	for {
		frame, err := readFrame(from)
		if err != nil {
			return
		}
		for _, f := range p.pass(frame) {
			if _, err := p.to.Write(f); err != nil {
				return
			}
		}
	}
}

func (p *frameProxy) holds() bool { return p.answers+p.guesses > 0 }

// pass returns the frames to send when a frame has arrived.
func (p *frameProxy) pass(frame []byte) (frames [][]byte) {
	const content, body = 2, 3 // types of frames; 1 is a method
	method := uint32(0)
	if frame[0] == 1 {
		method = binary.BigEndian.Uint32(frame[7:])
	}
	switch {
	case method == consumeOK:
		p.consumes = true
	case method == declareOK && p.consumes && p.holds():
		if p.answers > 0 {
			p.answers--
		} else {
			p.guesses--
			clear(frame[len(frame)-9 : len(frame)-1]) // the numbers of messages and consumers
		}
		if !p.holds() {
			frames, p.held = append([][]byte{frame}, p.held...), nil
			return frames
		}
	case method == deliver:
		p.delivered++
	}
	if isMessage := method == deliver || frame[0] == content || frame[0] == body; isMessage && p.holds() && p.delivered > 20 {
		p.held = append(p.held, frame)
		return nil
	}
	return [][]byte{frame}
}

// readFrame reads a frame: the type, the channel, the size, that many bytes and an end.
func readFrame(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(7)
	if err != nil {
		return nil, err
	}
	frame := make([]byte, 8+binary.BigEndian.Uint32(head[3:]))
	_, err = io.ReadFull(r, frame)
	return frame, err
}
