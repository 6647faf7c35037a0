package otlpreceiver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"
)

// If a receiver no longer listens, Read returns an error.
func TestReadOfAnEndedReceiver(t *testing.T) {
	for _, protocol := range []string{"http", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			r, err := Open("otlp+"+protocol+"://127.0.0.1:0", WithLogger(slog.New(slog.DiscardHandler)))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if err := r.connections.Close(); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for range 2 {
				for _, err := range r.Read(ctx) {
					if !errors.Is(err, net.ErrClosed) {
						t.Errorf("Read ends with %v", err)
					}
				}
			}
		})
	}
}
