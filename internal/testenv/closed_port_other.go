//go:build !unix

package testenv

import (
	"net"
	"testing"
)

// ClosedPort returns host:port of a port on which nobody listens.
func ClosedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
