package postgresql_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

const password = "geheim"

// A hostile server is not PostgreSQL. It answers the first message of the
// client with an arbitrary answer, and records what it receives.
type hostile struct {
	answer     string      // the answer to the startup message, and then to each query
	encryption *tls.Config // nil refuses TLS
	direct     bool        // TLS begins at once
	addr       string

	mu  sync.Mutex
	got bytes.Buffer
}

func (h *hostile) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = l.Addr().String()
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			h.serve(conn)
		}
	})
	t.Cleanup(func() {
		l.Close()
		served.Wait()
	})
}

func (h *hostile) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if h.direct {
		conn = tls.Server(conn, h.encryption)
	}
	message := h.read(conn)
	if len(message) == 8 && binary.BigEndian.Uint32(message[4:]) == 80877103 { // a request for TLS
		if h.encryption == nil {
			_, _ = conn.Write([]byte("N"))
		} else {
			_, _ = conn.Write([]byte("S"))
			conn = tls.Server(conn, h.encryption)
		}
		message = h.read(conn)
	}
	if message == nil {
		return
	}
	h.write(message)
	if _, err := conn.Write([]byte(h.answer)); err != nil {
		return
	}
	kind := make([]byte, 1)
	for {
		if _, err := io.ReadFull(conn, kind); err != nil {
			return
		}
		message := h.read(conn)
		h.write(append(kind, message...))
		switch kind[0] {
		case 'Q':
			_, _ = conn.Write([]byte("C\x00\x00\x00\x09SHOW\x00Z\x00\x00\x00\x05I"))
		case 'p': // the server has the password
			return
		}
	}
}

// read reads a message that begins with its length.
func (h *hostile) read(conn net.Conn) []byte {
	head := make([]byte, 4)
	if _, err := io.ReadFull(conn, head); err != nil {
		return nil
	}
	length := binary.BigEndian.Uint32(head)
	if length < 4 || length > 1<<16 {
		return nil // the beginning of TLS
	}
	body := make([]byte, length-4)
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil
	}
	return append(head, body...)
}

func (h *hostile) write(text []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got.Write(text)
}

// open opens a store at the server, and returns what the server received.
func (h *hostile) open(t *testing.T, options string) (got string, err error) {
	t.Helper()
	h.start(t)
	s, err := store.Open(t.Context(), "postgresql://u:"+password+"@"+h.addr+"/db?connect_timeout=30&osp_busy_timeout=0"+options)
	if err == nil {
		err = errors.Join(s.Ping(t.Context()), s.Close())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.got.String(), err
}

// The authentication requests of a hostile server.
const (
	inClear   = "R\x00\x00\x00\x08\x00\x00\x00\x03"
	asMD5     = "R\x00\x00\x00\x0c\x00\x00\x00\x05salt"
	asSCRAM   = "R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"
	nothing   = "R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I"
	passwords = "p\x00" // a message with an answer to any of the above
)

// A server that is not PostgreSQL refuses TLS and asks for the password. Each
// option in the table keeps the server from getting the password, in any form.
func TestHostileServerGetsNoPassword(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	pair, err := tls.LoadX509KeyPair(c.Server, c.Key)
	if err != nil {
		t.Fatal(err)
	}
	encrypted := &tls.Config{Certificates: []tls.Certificate{pair}}
	for _, test := range []struct {
		options    string
		answer     string
		encryption *tls.Config
		direct     bool
		started    bool // the server learns the names of user and database
	}{
		{options: "channel_binding=require", answer: inClear, started: true},
		{options: "channel_binding=require", answer: asMD5, started: true},
		{options: "channel_binding=require", answer: asSCRAM, started: true},
		{options: "channel_binding=require", answer: nothing, started: true},
		{options: "channel_binding=require", answer: inClear, encryption: encrypted, started: true},
		{options: "channel_binding=require", answer: asSCRAM, encryption: encrypted, started: true},
		{options: "require_auth=scram-sha-256", answer: inClear, started: true},
		{options: "require_auth=scram-sha-256", answer: asMD5, started: true},
		{options: "require_auth=scram-sha-256", answer: nothing, started: true},
		{options: "require_auth=scram-sha-256", answer: inClear, encryption: encrypted, started: true},
		{options: "require_auth=md5,scram-sha-256", answer: inClear, started: true},
		{options: "require_auth=!password", answer: inClear, started: true},
		{options: "require_auth=!password,!md5", answer: asMD5, started: true},
		{options: "require_auth=none", answer: inClear, started: true},
		{options: "sslmode=require", answer: inClear},
		{options: "sslmode=verify-full&sslrootcert=" + c.Authority, answer: inClear},
		{options: "sslmode=require&sslnegotiation=direct", answer: inClear},
		{options: "sslmode=require&sslnegotiation=direct", answer: inClear, encryption: encrypted, direct: true}, // without ALPN
		{options: "sslmode=require&ssl_min_protocol_version=TLSv1.3", answer: inClear,
			encryption: &tls.Config{Certificates: encrypted.Certificates, MaxVersion: tls.VersionTLS12}},
		{options: "gssencmode=require", answer: inClear},
	} {
		t.Run(test.options, func(t *testing.T) {
			h := &hostile{answer: test.answer, encryption: test.encryption, direct: test.direct}
			got, err := h.open(t, "&"+test.options)
			if err == nil || strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is %v", err)
			}
			if strings.Contains(got, password) || strings.Contains(got, passwords) {
				t.Errorf("the server got a password: %q", got)
			}
			if strings.Contains(got, "user\x00u\x00") != test.started {
				t.Errorf("the server got %q; it should get the user: %v", got, test.started)
			}
		})
	}
}

// Without such an option the server gets the password, as it does from libpq.
// docs/stores/sql.md says so.
func TestPasswordGoesInClearByDefault(t *testing.T) {
	h := &hostile{answer: inClear}
	if got, err := h.open(t, ""); err == nil || !strings.Contains(got, password) {
		t.Errorf("the server got %q (%v)", got, err)
	}
}

// A server that answers nonsense does not crash the program.
func TestHostileServerMakesNoPanic(t *testing.T) {
	for _, attribute := range []string{"read-write", "read-only", "primary", "standby", "prefer-standby"} {
		h := &hostile{answer: nothing}
		if _, err := h.open(t, "&sslmode=disable&target_session_attrs="+attribute); err == nil || !strings.Contains(err.Error(), "cannot check target_session_attrs: the server's answer is malformed") {
			t.Errorf("%s: the error is %v", attribute, err)
		}
	}
}
