package rabbitmq

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
)

// connect connects to the first server that can be reached. It begins with the one
// to which the last connection led.
func (b *Bus) connect(ctx context.Context) (*conn, error) {
	var failed []error
	first := int(b.next.Load())
	for i := range b.servers {
		n := (first + i) % len(b.servers)
		c, err := b.connectTo(ctx, &b.servers[n])
		if err == nil {
			b.next.Store(int64(n))
			return c, nil
		}
		if ctx.Err() != nil {
			return nil, b.explainAt(ctx, &b.servers[n], err)
		}
		failed = append(failed, b.explainAt(ctx, &b.servers[n], err))
	}
	return nil, joined(failed)
}

// connectTo connects to one server and logs in. It does not use the client library's dialing,
// which has no context and accepts no list of servers.
func (b *Bus) connectTo(ctx context.Context, s *bus.Server) (*conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.config.Timeout, os.ErrDeadlineExceeded)
	defer cancel()
	addr := net.JoinHostPort(s.Host, s.Port)
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	w := &wire{Conn: raw, raw: raw}
	if b.config.TLS != nil {
		if w.Conn, err = secured(ctx, raw, b.config.TLS, s.Host); err != nil {
			_ = raw.Close()
			return nil, duringOpen(ctx, err)
		}
	}
	properties := amqp.NewConnectionProperties()
	properties["connection_name"] = "osprofiler-otel"
	opened, err := amqp.Open(w, amqp.Config{
		SASL:       []amqp.Authentication{loginOf(s, b.settings.LoginMethod, properties)},
		Vhost:      b.config.VirtualHost,
		Heartbeat:  b.settings.heartbeat(),
		Properties: properties,
		Locale:     "en_US",
	})
	if err != nil {
		err = openError(w, err)
		_ = raw.Close()
		return nil, duringOpen(ctx, err)
	}
	return newConn(nameOf(s), w, opened, b.config.Timeout), nil
}

func secured(ctx context.Context, raw net.Conn, config *tls.Config, host string) (*tls.Conn, error) {
	if config.ServerName == "" {
		config = config.Clone()
		config.ServerName = host
	}
	t := tls.Client(raw, config)
	return t, t.HandshakeContext(ctx)
}

// errSpeaksTLS is the error for a server that answered in TLS.
var errSpeaksTLS = errors.New("it answers by TLS")

// openError returns why the connection could not be opened. The client library reports every
// end of the connection during the login as wrong credentials or a missing virtual host. Only
// an error that the broker sent means that.
func openError(w *wire, err error) error {
	var answer *amqp.Error
	switch {
	case errors.As(err, &answer) && answer.Server, errors.Is(err, amqp.ErrSASL):
		return err
	case w.speaksTLS():
		return errSpeaksTLS
	}
	if reason := w.reason(); reason != nil {
		err = reason
	}
	if !w.answered() {
		return &unansweredError{err}
	}
	return err
}

// duringOpen returns the reason for which the context ended, in place of an error that the end
// of the context caused. The reason is the caller's, or that the server did not answer in
// time.
func duringOpen(ctx context.Context, err error) error {
	var answer *amqp.Error
	if ctx.Err() == nil || errors.As(err, &answer) {
		return err
	}
	if cause := context.Cause(ctx); errors.Is(cause, os.ErrDeadlineExceeded) {
		return cause
	}
	return ctx.Err()
}
