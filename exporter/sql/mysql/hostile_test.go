package mysql

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const password = "geheim"

// These are capabilities of the protocol.
const (
	clientSSL   = 0x800
	basic       = 0x8000 | 0x200 | 0x8 | 0x1 // secure connection, protocol 4.1, with a database, long passwords
	pluginAuth  = 0x80000
	okPacket    = "\x00\x00\x00\x02\x00\x00\x00"
	authSwitch  = "\xfe"
	localInfile = "\xfb"
)

// A hostile server sends a greeting like MySQL's, and answers each packet of
// the client with the next of its answers.
type hostile struct {
	capabilities []uint32 // for each connection; the last value applies to all further connections
	answers      []string
	addr         string

	mu   sync.Mutex
	sent bytes.Buffer // what the client sent, all connections together
	logs [][]byte     // the first packet of each connection
}

func (h *hostile) start(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = l.Addr().String()
	t.Cleanup(func() { l.Close() })
	go func() {
		for i := 0; ; i++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			h.serve(conn, h.capabilities[min(i, len(h.capabilities)-1)])
		}
	}()
}

func (h *hostile) serve(conn net.Conn, capabilities uint32) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	c := capabilities | basic | pluginAuth
	greeting := "\x0a8.0.0\x00\x01\x00\x00\x0012345678\x00" + string([]byte{byte(c), byte(c >> 8), 33, 2, 0, byte(c >> 16), byte(c >> 24), 21}) +
		strings.Repeat("\x00", 10) + "123456789012\x00mysql_native_password\x00"
	sequence := byte(0)
	for i := -1; i < len(h.answers); i++ {
		answer := greeting
		if i >= 0 {
			answer = h.answers[i]
		}
		if _, err := conn.Write(append([]byte{byte(len(answer)), byte(len(answer) >> 8), 0, sequence}, answer...)); err != nil {
			return
		}
		packet, err := h.read(conn)
		if err != nil {
			return
		}
		if i < 0 {
			h.mu.Lock()
			h.logs = append(h.logs, packet)
			h.mu.Unlock()
		}
		sequence = packet[3] + 1
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, _ = io.Copy(&h.sent, conn)
}

func (h *hostile) read(conn net.Conn) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(conn, head); err != nil {
		return nil, err
	}
	body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err := io.ReadFull(conn, body)
	packet := slices.Concat(head, body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent.Write(packet)
	return packet, err
}

// got returns everything that the client sent.
func (h *hostile) got() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return bytes.Clone(h.sent.Bytes())
}

// connector returns the connector of a connection string that leads to the
// server.
func (h *hostile) connector(t *testing.T, options string) connector {
	t.Helper()
	c, _, err := parse("mysql+pymysql://u:"+password+"@"+h.addr+"/db?connect_timeout=30"+options, newConfig(nil))
	if err != nil {
		t.Fatal(err)
	}
	return connector{config: c, readOnly: true}
}

// A server that asks for the password in clear, or in a form from which it can
// be computed, does not get the password. A server that sends nonsense does not
// crash the program.
func TestHostileServersGetNoPassword(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	foreignKey := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	sha2 := authSwitch + "caching_sha2_password\x0012345678901234567890\x00"
	for name, c := range map[string]struct {
		answers []string
		want    string
	}{
		"in clear":              {[]string{authSwitch + "mysql_clear_password\x00"}, "asks for the password in clear"},
		"in the form of 4.0":    {[]string{authSwitch + "mysql_old_password\x0012345678\x00"}, "mysql_old_password"},
		"unknown way":           {[]string{authSwitch + "dialog\x00Password: "}, "not supported"},
		"a key that is no RSA":  {[]string{sha2, "\x01\x04", "\x01" + foreignKey}, "does not speak MySQL's protocol"},
		"a key of sha256":       {[]string{authSwitch + "sha256_password\x0012345678901234567890\x00", "\x01" + foreignKey}, "does not speak MySQL's protocol"},
		"a challenge too short": {[]string{authSwitch + "mysql_native_password\x00\x00"}, ""},
		"switches twice":        {[]string{sha2, sha2}, ""},
		"an empty packet":       {[]string{""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hostile{capabilities: []uint32{0}, answers: c.answers}
			h.start(t)
			conn, err := h.connector(t, "").Connect(t.Context())
			if err == nil {
				conn.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), password) {
				t.Errorf("the error is %v, want one with %q", err, c.want)
			}
			if bytes.Contains(h.got(), []byte(password)) {
				t.Errorf("the server got the password: %q", h.got())
			}
		})
	}
}

// A server that answers a statement by asking for a file gets no file.
func TestHostileServerGetsNoFile(t *testing.T) {
	const secret = "nobody else may read this"
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, options := range []string{"", "&local_infile=1", "&local_infile=true"} {
		h := &hostile{capabilities: []uint32{0}, answers: []string{okPacket, localInfile + path, okPacket}}
		h.start(t)
		db := sql.OpenDB(h.connector(t, options))
		_, err := db.ExecContext(t.Context(), "SELECT 1")
		if err == nil {
			t.Error("the statement succeeded")
		}
		db.Close()
		if got := h.got(); bytes.Contains(got, []byte(secret)) || !bytes.Contains(got, []byte("SELECT 1")) {
			t.Errorf("the server got %q", got)
		}
	}
}

// If a server once offered no TLS, the next connection asks it for TLS again.
func TestFallbackIsOfOneConnection(t *testing.T) {
	h := &hostile{capabilities: []uint32{0, clientSSL}, answers: []string{okPacket}}
	h.start(t)
	p := h.connector(t, "")
	conn, err := p.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if conn, err = p.Connect(t.Context()); err == nil {
		conn.Close()
		t.Fatal("the second connection has no TLS, though the server offers it")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.logs) != 2 || bytes.Contains(h.logs[1], []byte("u\x00")) || len(h.logs[1]) != 36 {
		t.Errorf("the second connection began by %q, want a request for TLS, without a user", h.logs[1:])
	}
}

// If the options ask for TLS, a server that offers none does not even get the
// name of the user.
func TestServerWithoutTLSGetsNothing(t *testing.T) {
	for _, options := range []string{"&ssl_mode=REQUIRED", "&ssl_verify_cert=true", "&ssl_check_hostname=false", "&ssl_verify_identity=true"} {
		h := &hostile{capabilities: []uint32{0}, answers: []string{okPacket}}
		h.start(t)
		if conn, err := h.connector(t, options).Connect(t.Context()); err == nil {
			conn.Close()
			t.Errorf("%s: connected", options)
		}
		if got := h.got(); len(got) > 0 {
			t.Errorf("%s: the server got %q", options, got)
		}
	}
}
