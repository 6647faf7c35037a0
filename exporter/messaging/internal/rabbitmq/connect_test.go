package rabbitmq_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/rabbitmq"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// wantPing checks the error of a Ping and of a Publish. "" means no error.
func wantPing(t *testing.T, c bus.Config, s rabbitmq.Settings, text string, transient bool) {
	t.Helper()
	b := newBus(t, c, s)
	err := b.Ping(t.Context(), true)
	if text == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	out := publish(t, b, outgoing(0, 2))
	switch {
	case err == nil || !strings.Contains(err.Error(), text):
		t.Errorf("the error is %v, want %q", err, text)
	case isTransient(err) != transient || out.Transient() != transient:
		t.Errorf("transient is %v and %v: %v", isTransient(err), out.Transient(), err)
	case strings.Contains(err.Error(), testenv.Password) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "Exception"):
		t.Errorf("the text is %q", err)
	case out.Reason() == nil || len(out.Missing()) != 2 || out.Reason().Error() != err.Error():
		t.Errorf("publishing: missing %v: %v", out.Missing(), out.Reason())
	}
	t.Log(err)
}

func TestWrongCredentials(t *testing.T) {
	for _, method := range []string{"", "PLAIN", "AMQPLAIN"} {
		c := config(t, testenv.RabbitMQ(t))
		wantPing(t, c, rabbitmq.Settings{LoginMethod: method}, "", false)
		c.Servers[0].Password = testenv.Password
		wantPing(t, c, rabbitmq.Settings{LoginMethod: method}, "refuses the user or the password of the connection string", false)
	}
	wantPing(t, config(t, testenv.RabbitMQ(t)), rabbitmq.Settings{LoginMethod: "EXTERNAL"}, "offers no login by the method EXTERNAL", false)
}

func TestVirtualHost(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	c.VirtualHost = "nowhere"
	wantPing(t, c, rabbitmq.Settings{}, `into the virtual host "nowhere": NOT_ALLOWED - vhost nowhere not found`, false)
	c = config(t, location)
	user := "osp-stranger-" + c.VirtualHost
	testenv.RabbitMQAPI(t, location).AddUser(user, testenv.Password)
	c.Servers[0].User, c.Servers[0].Password = user, testenv.Password
	wantPing(t, c, rabbitmq.Settings{}, "does not let the user of the connection string into the virtual host", false)
}

func TestConnectionLimit(t *testing.T) {
	location := testenv.RabbitMQ(t)
	c := config(t, location)
	testenv.RabbitMQAPI(t, location).Do("PUT", "/api/vhost-limits/"+c.VirtualHost+"/max-connections", map[string]int{"value": 0}, nil)
	wantPing(t, c, rabbitmq.Settings{}, "takes no more connections", true)
}

func TestTLS(t *testing.T) {
	t.Parallel()
	certificates, foreign := testenv.NewCertificates(t, ""), testenv.NewCertificates(t, "")
	server := testenv.StartRabbitMQTLS(t, certificates)
	location, _, _ := strings.Cut(server.RabbitMQ(), "?")
	c := config(t, location)
	c.TLS = &tls.Config{RootCAs: pool(t, certificates), MinVersion: tls.VersionTLS12}
	wantPing(t, c, rabbitmq.Settings{}, "", false)
	c.TLS = &tls.Config{RootCAs: pool(t, foreign), MinVersion: tls.VersionTLS12}
	wantPing(t, c, rabbitmq.Settings{}, "by TLS (ssl_ca_file names the file with the authority to trust): x509: certificate signed by unknown authority", false)
	c.TLS = nil
	wantPing(t, c, rabbitmq.Settings{}, "speaks TLS: the connection string should say ssl=true", false)
	plain := config(t, testenv.RabbitMQ(t))
	plain.TLS = &tls.Config{RootCAs: pool(t, certificates), MinVersion: tls.VersionTLS12}
	wantPing(t, plain, rabbitmq.Settings{}, "does not speak TLS; without it the connection string should say ssl=false", false)
}

func pool(t *testing.T, c testenv.Certificates) *x509.CertPool {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(read(t, c.Authority)) {
		t.Fatal("no certificate")
	}
	return roots
}

// A Bus connects although the first servers of the list are down.
func TestSeveralServers(t *testing.T) {
	c := config(t, testenv.RabbitMQ(t))
	good := c.Servers[0]
	down := bus.Server{User: good.User, Password: good.Password, Host: "127.0.0.1", Port: "1"}
	c.Servers = []bus.Server{down, down, good}
	for range 5 {
		wantPing(t, c, rabbitmq.Settings{}, "", false)
	}
	c.Servers = []bus.Server{down, {User: "u", Password: "p", Host: "127.0.0.1", Port: "2"}}
	wantPing(t, c, rabbitmq.Settings{}, "connection refused; cannot connect to RabbitMQ at 127.0.0.1:", true)
}

// The error explains a server that is not RabbitMQ: one that sends nothing, one that closes
// the connection, and one that sends something else.
func TestNoRabbitMQ(t *testing.T) {
	const silent = "did not answer within the osp_timeout of 300ms"
	for text, serve := range map[string]func(net.Conn){
		silent:                                 func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
		"was lost (where it speaks TLS only, ": func(conn net.Conn) { _, _ = conn.Read(make([]byte, 100)) },
		"does not answer as RabbitMQ does: frame": func(conn net.Conn) {
			// The library reports the reason only to a caller who is already waiting for the
			// answer.
			_, _ = conn.Read(make([]byte, 100))
			time.Sleep(50 * time.Millisecond)
			_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			_, _ = io.Copy(io.Discard, conn) // closing with unread data would discard the answer
		},
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() { serve(conn); _ = conn.Close() }()
			}
		}()
		host, port, _ := net.SplitHostPort(listener.Addr().String())
		c := bus.Config{
			Servers: []bus.Server{{User: "u", Password: "p", Host: host, Port: port}}, VirtualHost: "/", Timeout: patience,
			Exchanges: []string{exchange}, Topics: []string{topic},
		}
		if text == silent {
			c.Timeout = 300 * time.Millisecond
		}
		wantPing(t, c, rabbitmq.Settings{}, text, true)
		_ = listener.Close()
	}
}

func TestName(t *testing.T) {
	b := newBus(t, bus.Config{Servers: []bus.Server{{Host: "::1", Port: "5672", Password: "secret"}, {Host: "h2", Port: "5673"}}}, rabbitmq.Settings{})
	if name := b.Name(); name != "RabbitMQ at [::1]:5672, h2:5673" {
		t.Error(name)
	}
}
