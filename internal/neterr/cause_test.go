package neterr

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
)

func TestRootCause(t *testing.T) {
	inner := errors.New("refused\nagain")
	for _, err := range []error{inner, fmt.Errorf("a: %w", inner), errors.Join(io.EOF, fmt.Errorf("b: %w", inner)), fmt.Errorf("c: %w, %w", io.EOF, inner)} {
		if got := RootCause(err); got != "refused again" {
			t.Errorf("%v: got %s", err, got)
		}
	}
}

func TestOneLine(t *testing.T) {
	if got := OneLine(errors.Join(io.EOF, io.ErrUnexpectedEOF).Error()); got != "EOF; unexpected EOF" {
		t.Error(got)
	}
}

func TestCauses(t *testing.T) {
	dialed := func(port int, why error) error {
		return &net.OpError{Op: "dial", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: port}, Err: why}
	}
	refused, reset := errors.New("refused"), errors.New("reset")
	unknown := &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}
	for want, err := range map[string]error{
		"refused": errors.Join(dialed(1, refused), dialed(1, refused)),
		"10.0.0.7:1: refused; 10.0.0.7:2: refused":  fmt.Errorf("all: %w", errors.Join(dialed(1, refused), dialed(2, refused))),
		`10.0.0.7:1: refused; there is no host "h"`: errors.Join(dialed(1, refused), unknown),
		"reset": fmt.Errorf("x: %w", reset),
	} {
		if got := Causes(err); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
