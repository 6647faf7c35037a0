package explained_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
)

func TestNew(t *testing.T) {
	err := explained.New(fmt.Errorf("read: %w", io.EOF), "the server %q ended the connection", "a")
	if err.Error() != `the server "a" ended the connection` || !errors.Is(err, io.EOF) {
		t.Errorf("got %v, which wraps %v", err, errors.Unwrap(err))
	}
	if !explained.Is(err) || !explained.Is(fmt.Errorf("cannot write: %w", err)) {
		t.Error("an explained error is not recognized")
	}
	if explained.Is(io.EOF) || explained.Is(nil) {
		t.Error("another error is taken for an explained one")
	}
}
