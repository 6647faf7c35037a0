//go:build unix

package testenv

import (
	"net"
	"strconv"
	"syscall"
	"testing"
)

// ClosedPort returns host:port of a port on which nobody listens until the test ends. A
// socket occupies the port, so that no server of another test gets it before.
func ClosedPort(t testing.TB) string {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(socket)
	t.Cleanup(func() { _ = syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	address, ok := bound.(*syscall.SockaddrInet4)
	if !ok {
		t.Fatalf("the socket has the address %v", bound)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(address.Port))
}
