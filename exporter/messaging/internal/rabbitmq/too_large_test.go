package rabbitmq_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/rabbitmq"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A broker may refuse the size of a message with the code 311, which does not state the size
// limit. The message is found by repeated halving and refused alone.
func TestTooLargeByCode311(t *testing.T) {
	server := testenv.StartRabbitMQ(t, "max_message_size = 20000")
	address, renamed := renaming(t, server.Addr())
	c := config(t, server.RabbitMQAt(address))
	b := newBus(t, c, rabbitmq.Settings{})
	messages := outgoing(0, 30)
	for _, i := range []int{7, 20} {
		messages[i] = bus.Outgoing{Body: []byte(`"` + strings.Repeat("x", 30_000) + `"`)}
	}
	out := publish(t, b, messages)
	if !slices.Equal(out.Refused(), []int{7, 20}) || len(out.Missing()) > 0 || renamed.Load() == 0 {
		t.Errorf("refused %v, missing %v: %v; %d answers", out.Refused(), out.Missing(), out.Reason(), renamed.Load())
	}
	want := slices.Concat(texts(0, 7), texts(8, 12), texts(21, 9))
	slices.Sort(want)
	got := inQueue(t, server.RabbitMQ(), topic)
	slices.Sort(got)
	wantTexts(t, "in the queue", slices.Compact(got), want) // some messages may occur twice
}

// renaming listens for clients of a broker. It passes everything on, but changes the code of
// each size refusal to 311.
func renaming(t *testing.T, broker string) (address string, renamed *atomic.Int64) {
	t.Helper()
	renamed = new(atomic.Int64)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", broker)
			if err != nil {
				_ = client.Close()
				continue
			}
			connections.Go(func() { _, _ = io.Copy(server, client); server.Close() })
			connections.Go(func() { renameFrames(client, server, renamed); client.Close() })
		}
	})
	t.Cleanup(func() { l.Close(); connections.Wait() })
	return l.Addr().String(), renamed
}

func renameFrames(to io.Writer, from io.Reader, renamed *atomic.Int64) {
	for {
		head := make([]byte, 7)
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		rest := make([]byte, binary.BigEndian.Uint32(head[3:])+1)
		if _, err := io.ReadFull(from, rest); err != nil {
			return
		}
		// The method channel.close: class 20, method 40, then the code and the text.
		if old := []byte{0, 20, 0, 40, 406 >> 8, 406 & 255}; head[0] == 1 && bytes.HasPrefix(rest, old) && bytes.Contains(rest, []byte("message size")) {
			binary.BigEndian.PutUint16(rest[4:], 311)
			renamed.Add(1)
		}
		if _, err := to.Write(append(head, rest...)); err != nil {
			return
		}
	}
}
