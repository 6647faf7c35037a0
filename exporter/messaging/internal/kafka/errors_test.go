package kafka

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate/statetest"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

func TestStates(t *testing.T) {
	statetest.Check(t, &states, "*_test.go", "../../../../docs/stores/messaging-kafka.md")
}

// A failing is a case with a bus that cannot be used.
type failing struct {
	name, url string
	change    func(*bus.Config)
	text      string
	transient bool
}

// check checks the error of each method. Every error is one sentence with the name of the bus,
// is returned in time and shows no password.
func (f *failing) check(t *testing.T) {
	change := f.change
	if change == nil {
		change = func(*bus.Config) {}
	}
	b := openWith(t, f.url, change)
	calls := map[string]func() error{
		"Ping":    func() error { return b.Ping(t.Context(), false) },
		"Publish": func() error { return publish(t, b, bodies(0, 2)...).Err() },
		"Peek":    func() error { return peekError(t.Context(), b) },
		"Consume": func() error { return consumeError(t.Context(), b, time.Second) },
		"Version": func() error { _, err := b.Version(t.Context()); return err },
	}
	for name, call := range calls {
		began := time.Now()
		err := call()
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(f.text, "NAME", b.Name())) {
			t.Errorf("%s: got  %v\nwant %s", name, err, f.text)
			continue
		}
		if store.IsTransient(err) != f.transient {
			t.Errorf("%s: transient is %v: %v", name, !f.transient, err)
		}
		if text := err.Error(); strings.Contains(text, "\n") || strings.Contains(text, "wrong") {
			t.Errorf("%s: %q", name, text)
		}
		if took := time.Since(began); took > patience/2 {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func peekError(ctx context.Context, b *cluster) error {
	messages, _ := b.Peek(ctx, 10)
	for _, err := range messages {
		if err != nil {
			return err
		}
	}
	return nil
}

func consumeError(ctx context.Context, b *cluster, idle time.Duration) error {
	c, err := b.Consume(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, err := range c.Receive(ctx, idle) {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestUnreachable(t *testing.T) {
	addr := testenv.ClosedPort(t)
	hints := []failing{
		{name: "one", url: "kafka://" + addr, text: "cannot connect to NAME: connection refused"},
		{name: "two", url: "kafka://" + addr + "," + addr, text: "cannot connect to NAME: connection refused"},
		{name: "name", url: "kafka://no.such.host.invalid:9092", text: `cannot connect to NAME: there is no host "no.such.host.invalid"`},
	}
	for _, f := range hints {
		f.transient = true
		t.Run(f.name, f.check)
	}
}

// The broker has a listener of each protocol. A client with any other protocol gets an error.
func TestWrongProtocol(t *testing.T) {
	t.Parallel()
	certificates, foreign := testenv.NewCertificates(t, ""), testenv.NewCertificates(t, "")
	secure := testenv.StartKafkaWith(t, testenv.KafkaOptions{Protocol: "SASL_SSL", Certificates: certificates}).Kafka()
	plain := testenv.StartKafkaWith(t, testenv.KafkaOptions{Protocol: "SASL_PLAINTEXT", Settings: []string{"sasl.enabled.mechanisms=PLAIN"}}).Kafka()
	bare := testenv.Kafka(t)
	with := func(url string, replacements ...string) string {
		return strings.NewReplacer(replacements...).Replace(url)
	}
	for _, f := range []failing{
		{name: "foreign CA", url: with(secure, certificates.Authority, foreign.Authority), text: "cannot connect to NAME by TLS (ssl_cafile names the file with the authority to trust): x509: certificate signed by unknown authority"},
		{name: "plain to TLS", url: with(secure, "SASL_SSL", "SASL_PLAINTEXT"), text: "NAME speaks TLS; security_protocol should be SSL or SASL_SSL"},
		{name: "TLS to plain", url: with(bare, "kafka://", "kafka://osp:wrong@") + "?security_protocol=SSL&ssl_cafile=" + certificates.Authority, text: "NAME ended the connection at once (where it does not speak TLS, security_protocol should be PLAINTEXT or SASL_PLAINTEXT)", transient: true},
		{name: "wrong password", url: with(secure, testenv.Password+"@", "wrong@"), text: `NAME refuses the user "osp" of the transport URL or the password`},
		{name: "wrong password of SCRAM", url: with(secure, testenv.Password+"@", "wrong@", "=PLAIN", "=SCRAM-SHA-512"), text: `NAME refuses the user "osp" of the transport URL or the password`},
		{name: "mechanism", url: with(plain, "=PLAIN", "=SCRAM-SHA-256"), text: "NAME does not offer SCRAM-SHA-256; the option sasl_mechanism should name another mechanism"},
		{name: "no SASL", url: with(plain, "SASL_PLAINTEXT", "PLAINTEXT"), text: "NAME ended the connection at the first request: it is restarting, or it expects a user, for whom security_protocol should be SASL_PLAINTEXT or SASL_SSL", transient: true},
		{name: "needless SASL", url: with(bare, "kafka://", "kafka://osp:wrong@") + "?security_protocol=SASL_PLAINTEXT", text: "NAME does not use SASL; security_protocol should be PLAINTEXT or SSL"},
	} {
		t.Run(f.name, f.check)
	}
	for _, url := range []string{secure, with(secure, "=PLAIN", "=SCRAM-SHA-256"), with(secure, "=PLAIN", "=SCRAM-SHA-512"), plain} {
		b := open(t, url)
		mustPublish(t, b, bodies(0, 2)...)
		c := consumer(t, b)
		if got := receive(t, c, patience, 2); len(got) != 2 {
			t.Errorf("got %v", got)
		}
		c.Close() // the first consumption has the only partition
	}
}

// The error names a topic that does not exist, if the broker creates no topics.
func TestNoTopic(t *testing.T) {
	b := open(t, testenv.StartKafka(t, "auto.create.topics.enable=false").Kafka()+"?osp_timeout=1")
	want := `Kafka at ` + addresses(&b.config)[0] + ` has no topic "profiler.info" and does not create it (auto.create.topics.enable); an operator should create it, or the option topics should name another`
	for name, err := range map[string]error{"Ping": b.Ping(t.Context(), false), "Publish": publish(t, b, bodies(0, 1)...).Err()} {
		if err == nil || err.Error() != want && !strings.HasSuffix(err.Error(), ": "+want) || store.IsTransient(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := b.Ping(t.Context(), true); err != nil {
		t.Error(err)
	}
	b.config.Topics[0] = "a topic with blanks"
	if err := b.Ping(t.Context(), false); err == nil || !strings.Contains(err.Error(), `cannot have a topic of the name "a topic with blanks"; it should have letters, digits`) || store.IsTransient(err) {
		t.Errorf("got %v", err)
	}
}

// The error names the missing right of the account to read, to write, or to use the group.
func TestRights(t *testing.T) {
	t.Parallel()
	server := testenv.StartKafkaWith(t, testenv.KafkaOptions{Protocol: "SASL_PLAINTEXT", Settings: []string{
		"authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer", "super.users=User:ANONYMOUS",
	}})
	b := open(t, server.Kafka())
	v := view(t, server.Kafka())
	v.CreateTopic(b.topic(), 1, 1)
	allow := func(acl *kadm.ACLBuilder) {
		t.Helper()
		v.Do(func(ctx context.Context, c *kadm.Client) error {
			results, err := c.CreateACLs(ctx, acl.ResourcePatternType(kadm.ACLPatternLiteral).Allow("User:"+testenv.User).AllowHosts("*"))
			for _, r := range results {
				err = errors.Join(err, r.Err)
			}
			return err
		})
	}
	topicText := b.Name() + ` gives the user "osp" no right to the topic "profiler.info", or no right to create it`
	check := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) || store.IsTransient(err) {
			t.Errorf("%s: got  %v\nwant %s", what, err, want)
		}
	}
	check("Ping", b.Ping(t.Context(), false), topicText)
	check("Ping", b.Ping(t.Context(), true), topicText)
	check("Publish", publish(t, b, bodies(0, 1)...).Err(), topicText)
	check("Peek", peekError(t.Context(), b), topicText)
	check("Consume", consumeError(t.Context(), b, time.Second), topicText)
	allow(kadm.NewACLs().Topics(b.topic()).Operations(kadm.OpWrite))
	eventually(t, func() error { return publish(t, b, bodies(0, 1)...).Err() })
	if err := b.Ping(t.Context(), false); err != nil {
		t.Error(err)
	}
	check("Ping", b.Ping(t.Context(), true), topicText)
	check("Peek", peekError(t.Context(), b), topicText)
	allow(kadm.NewACLs().Topics(b.topic()).Operations(kadm.OpRead))
	eventually(t, func() error { return peekError(t.Context(), b) })
	check("Consume", consumeError(t.Context(), b, time.Second), b.Name()+` gives the user "osp" no right to read in the consumer group "osprofiler"`)
	allow(kadm.NewACLs().Groups(defaultGroup).Operations(kadm.OpRead))
	eventually(t, func() error { return consumeError(t.Context(), b, time.Second) })
}

// eventually waits until a call succeeds.
func eventually(t *testing.T, call func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := call()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// The error explains a group whose members divide the partitions with another protocol.
func TestGroupOfAnotherKind(t *testing.T) {
	b := open(t, testenv.Kafka(t))
	mustPublish(t, b, bodies(0, 1)...)
	defer otherMember(t, b, kgo.StickyBalancer()).Close()
	err := consumeError(t.Context(), b, 5*time.Second)
	if err == nil || !strings.Contains(err.Error(), `the consumer group "osprofiler" of `+b.Name()+` has members that divide the partitions neither by cooperative-sticky nor by range; the option consumer_group should name another group`) || store.IsTransient(err) {
		t.Errorf("got %v", err)
	}
}

// If a broker does not answer, no call lasts longer than its context and the timeout.
func TestHang(t *testing.T) {
	t.Parallel()
	server := testenv.StartKafka(t)
	for _, connected := range []bool{false, true} {
		b := open(t, server.Kafka()+"?osp_timeout=1")
		var c bus.Consumption
		if connected {
			mustPublish(t, open(t, server.Kafka()), bodies(0, 1)...)
			eventually(t, func() error {
				if c == nil {
					opened, err := b.Consume(t.Context())
					if err != nil {
						return err
					}
					c = opened
				}
				for _, err := range c.Receive(t.Context(), 100*time.Millisecond) {
					if err != nil {
						return err
					}
				}
				return c.Acknowledge(t.Context(), 1)
			})
		}
		server.Stop()
		for name, call := range map[string]func(ctx context.Context) error{
			"Ping":    func(ctx context.Context) error { return b.Ping(ctx, false) },
			"Publish": func(ctx context.Context) error { return publish(t, b, bodies(1, 2)...).Err() },
			"Peek":    func(ctx context.Context) error { return peekError(ctx, b) },
			"Consume": func(ctx context.Context) error { return consumeError(ctx, b, time.Second) },
		} {
			began := time.Now()
			err := call(t.Context())
			if err == nil || !store.IsTransient(err) || !strings.Contains(err.Error(), b.Name()) {
				t.Errorf("%s: got %v", name, err)
			}
			t.Logf("%s: %v after %v", name, err, time.Since(began))
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			began = time.Now()
			if err := call(ctx); name != "Publish" && !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > patience/2 {
				t.Errorf("%s with a context: got %v after %v", name, err, time.Since(began))
			}
			cancel()
		}
		if c != nil {
			began := time.Now()
			for _, err := range c.Receive(t.Context(), patience) {
				if !store.IsTransient(err) {
					t.Errorf("Receive: got %v", err)
				}
				t.Logf("Receive: %v after %v", err, time.Since(began))
			}
			began = time.Now()
			c.Close()
			t.Logf("Close: after %v", time.Since(began))
		}
		server.Continue()
		eventually(t, func() error { return b.Ping(t.Context(), false) })
	}
}

// The error explains that the server is not a Kafka broker, but RabbitMQ, for example.
func TestNoKafka(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("AMQP\x00\x00\x09\x01"))
			_ = conn.Close()
		}
	})
	f := failing{url: "kafka://" + l.Addr().String(), text: "NAME does not speak Kafka's protocol; the transport URL should name the host and the port of a Kafka broker"}
	f.check(t)
	l.Close()
	done.Wait()
}

// An old failure of a broker that is gone is not used to explain later errors.
func TestOldFailures(t *testing.T) {
	var w watch
	w.note(1, io.ErrUnexpectedEOF)
	w.note(2, io.EOF)
	if err := w.reason(time.Hour); err != io.EOF {
		t.Errorf("got %v", err)
	}
	if err := w.reason(0); err != nil {
		t.Errorf("got %v", err)
	}
}
