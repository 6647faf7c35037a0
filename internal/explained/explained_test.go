package explained_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

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

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1 ms", 9 * time.Millisecond: "9 ms", 301 * time.Millisecond: "300 ms", 951 * time.Millisecond: "1 s",
		2951 * time.Millisecond: "3 s", 2500 * time.Millisecond: "2.5 s", 29970 * time.Millisecond: "30 s", 90 * time.Second: "90 s",
	} {
		if got := explained.Seconds(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
