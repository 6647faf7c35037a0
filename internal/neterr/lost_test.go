package neterr

import (
	"context"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

var errOfLibrary = errors.New("bad packet")

func dialing(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }

func system(call string, errno syscall.Errno) error { return os.NewSyscallError(call, errno) }

// Lost and ClassOf return the right result for each error.
func TestLost(t *testing.T) {
	refused, forbidden := dialing(system("connect", syscall.ECONNREFUSED)), dialing(system("connect", syscall.EACCES))
	alert := &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}
	_, missing := os.Open(filepath.Join(t.TempDir(), "missing"))
	const passes, stays, unknown, none = serverstate.Passes, serverstate.Stays, serverstate.Unknown, serverstate.Class(-1)
	for _, c := range []struct {
		name string
		err  error
		lost bool
		want serverstate.Class // none: the error is not about a connection
	}{
		{"refused port", refused, true, passes},
		{"dial without an answer", dialing(os.ErrDeadlineExceeded), true, passes},
		{"read without an answer", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, true, unknown},
		{"unknown host", &net.DNSError{Err: "no such host", IsNotFound: true}, true, passes},
		{"database/sql's own", fmt.Errorf("ping: %w", driver.ErrBadConn), true, unknown},
		{"the library's own", fmt.Errorf("read: %w", errOfLibrary), true, unknown},
		{"cancelled", errors.Join(errOfLibrary, context.Canceled), false, none},
		{"end of file", io.EOF, true, unknown},
		{"end in the middle", io.ErrUnexpectedEOF, true, unknown},
		{"closed", net.ErrClosed, true, unknown},
		{"reset, without an operation", system("read", syscall.ECONNRESET), true, unknown},
		{"end of the context's time", context.DeadlineExceeded, true, unknown},
		{"cancelled, alone", context.Canceled, false, none},
		{"dial cancelled", dialing(context.Canceled), false, none},
		{"round trip of HTTP", &url.Error{Op: "Post", URL: "http://h", Err: errors.New("http: server closed idle connection")}, true, unknown},
		{"TLS alert", alert, false, stays},
		{"unknown authority", &url.Error{Op: "Get", URL: "https://h", Err: x509.UnknownAuthorityError{}}, false, stays},
		{"no right to connect", forbidden, false, stays},
		{"malformed address", dialing(&net.AddrError{Err: "missing port", Addr: "h"}), false, stays},
		{"unknown network", dialing(net.UnknownNetworkError("x")), false, stays},
		{"several hosts, of which one may come back", errors.Join(forbidden, refused), true, passes},
		{"several hosts, all of which stay", fmt.Errorf("connect: %w", errors.Join(forbidden, alert)), false, stays},
		{"TLS and then plain text", fmt.Errorf("connect: %w, %w", alert, refused), true, passes},
		{"several hosts, of which one answered", errors.Join(refused, &net.OpError{Op: "read", Err: io.EOF}), true, unknown},
		{"what we say, and why", fmt.Errorf("%w: %w", errors.New("cannot connect"), alert), false, stays},
		{"an answer", errors.New("no such table"), false, none},
		{"a file", missing, false, none},
		{"a file with an error number alone", syscall.EAGAIN, false, none},
		{"none", nil, false, none},
	} {
		if got := Lost(c.err, errOfLibrary); got != c.lost {
			t.Errorf("%s: Lost(%v) = %v", c.name, c.err, got)
		}
		if got := Stays(c.err); got != (c.want == stays) {
			t.Errorf("%s: Stays(%v) = %v", c.name, c.err, got)
		}
		class, ok := ClassOf(c.err, errOfLibrary)
		if ok != (c.want != none) || ok && class != c.want {
			t.Errorf("%s: ClassOf(%v) = %v, %v; want %v", c.name, c.err, class, ok, c.want)
		}
	}
}

func TestBroken(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{io.EOF, true},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true},
		{&net.OpError{Op: "read", Err: system("read", syscall.ECONNRESET)}, true},
		{&net.OpError{Op: "write", Err: system("write", syscall.EPIPE)}, true},
		{dialing(system("connect", syscall.ECONNREFUSED)), false},
		{os.ErrDeadlineExceeded, false},
		{net.ErrClosed, false}, // by this side
		{nil, false},
	} {
		if got := Broken(c.err); got != c.want {
			t.Errorf("Broken(%v) = %v", c.err, got)
		}
	}
}

// RefusedDial distinguishes dials that the system refuses from a dial to a port at which
// nobody listens.
func TestRefusedDial(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		filepath.Join(dir, "file", "socket"): true, // the folder is a file
		filepath.Join(dir, "missing"):        false,
	} {
		conn, err := net.Dial("unix", address)
		if err == nil {
			conn.Close()
			t.Fatalf("connected to %s", address)
		}
		if got := RefusedDial(err); got != want || !Unconnected(err) {
			t.Errorf("%v: RefusedDial = %v, Unconnected = %v", err, got, Unconnected(err))
		}
	}
	_, err := net.Dial("tcp", "no-port")
	if !RefusedDial(err) || Lost(err) {
		t.Errorf("%v: RefusedDial = %v, Lost = %v", err, RefusedDial(err), Lost(err))
	}
}
