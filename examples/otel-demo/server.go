package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// A server is a running HTTP service on a loopback port of its own.
type server struct {
	http *http.Server
	url  string
}

func startServer(handler http.Handler, provider trace.TracerProvider) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{
		http: &http.Server{Handler: tracedServer(handler, provider), ReadHeaderTimeout: time.Second},
		url:  "http://" + listener.Addr().String(),
	}
	go func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // the demo needs this server
		}
	}()
	return s, nil
}

// stop stops the server. It returns when every request has been answered.
func (s *server) stop(ctx context.Context) {
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close() // the context ended first
	}
}
