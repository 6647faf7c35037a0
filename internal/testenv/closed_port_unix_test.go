//go:build unix

package testenv

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

// Nobody answers at a closed port, and no other server gets it.
func TestClosedPort(t *testing.T) {
	addr := ClosedPort(t)
	if conn, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connecting to %s gives %v, %v", addr, conn, err)
	}
	if l, err := net.Listen("tcp", addr); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listening on %s gives %v, %v", addr, l, err)
	}
}
