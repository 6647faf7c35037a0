package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// A scheduler selects a host for each new server.
type scheduler struct {
	db     *sql.DB
	tracer trace.Tracer
}

func startScheduler(ctx context.Context, t *telemetry, db *sql.DB) (*server, error) {
	provider, err := t.service(ctx, "nova", "scheduler", "controller-2")
	if err != nil {
		return nil, err
	}
	s := &scheduler{db: db, tracer: provider.Tracer("otel-demo/scheduler")}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /placements", s.place)
	return startServer(mux, provider)
}

// A placement is the request for a host (the memory) and the answer (the host).
type placement struct {
	MemoryMB int    `json:"memory_mb"`
	Host     string `json:"host,omitempty"`
}

func (s *scheduler) place(w http.ResponseWriter, r *http.Request) {
	var p placement
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	host, err := s.selectHost(r.Context(), p.MemoryMB)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	p.Host = host
	_ = json.NewEncoder(w).Encode(p)
}

// selectHost selects a host. No instrumentation knows this operation, so selectHost
// itself starts its span and records errors on it.
func (s *scheduler) selectHost(ctx context.Context, memoryMB int) (host string, err error) {
	ctx, span := s.tracer.Start(ctx, "select-host", trace.WithAttributes(attribute.Int("memory_mb", memoryMB)))
	defer span.End()
	defer func() {
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
	}()
	time.Sleep(3 * time.Millisecond) // stands for asking the hosts for their state
	err = s.db.QueryRowContext(ctx,
		"SELECT name FROM hosts WHERE free_mb >= ? ORDER BY free_mb DESC LIMIT 1", memoryMB).Scan(&host)
	if errors.Is(err, sql.ErrNoRows) {
		return "", &noValidHostError{memoryMB}
	}
	if err != nil {
		return "", err
	}
	_, err = s.db.ExecContext(ctx, "UPDATE hosts SET free_mb = free_mb - ? WHERE name = ?", memoryMB, host)
	return host, err
}

// A noValidHostError is the error of OpenStack's scheduler if no host has enough memory.
type noValidHostError struct{ memoryMB int }

func (e *noValidHostError) Error() string {
	return fmt.Sprintf("no valid host was found: none has %d MB free", e.memoryMB)
}
