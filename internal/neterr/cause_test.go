package neterr

import (
	"errors"
	"fmt"
	"io"
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
