package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// An api serves the requests of the cloud's users.
type api struct {
	db        *sql.DB
	scheduler string // its URL
	client    *http.Client
	tracer    trace.Tracer
}

func startAPI(ctx context.Context, t *telemetry, db *sql.DB, scheduler string) (*server, error) {
	provider, err := t.service(ctx, "nova", "api", "controller-1")
	if err != nil {
		return nil, err
	}
	a := &api{db: db, scheduler: scheduler, client: tracedClient(provider), tracer: provider.Tracer("otel-demo/api")}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /servers", a.list)
	mux.HandleFunc("POST /servers/{name}", a.boot)
	return startServer(mux, provider)
}

// list answers with the names of the running servers.
func (a *api) list(w http.ResponseWriter, r *http.Request) {
	a.checkToken(r.Context())
	rows, err := a.db.QueryContext(r.Context(), "SELECT name FROM servers WHERE status = 'ACTIVE' ORDER BY name")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer rows.Close()
	var names strings.Builder
	for rows.Next() {
		var name string
		if err = rows.Scan(&name); err != nil {
			break
		}
		fmt.Fprintln(&names, name)
	}
	if err = errors.Join(err, rows.Err()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, names.String())
}

// boot creates a server: it adds the server to the database, asks the scheduler for
// a host, and starts the server there.
func (a *api) boot(w http.ResponseWriter, r *http.Request) {
	var p placement
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.checkToken(r.Context())
	if err := a.bootServer(r.Context(), r.PathValue("name"), p); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func (a *api) bootServer(ctx context.Context, name string, p placement) error {
	_, err := a.db.ExecContext(ctx, "INSERT INTO servers (name, memory_mb, status) VALUES (?, ?, 'BUILD')", name, p.MemoryMB)
	if err != nil {
		return err
	}
	status := "ACTIVE"
	host, failure := a.place(ctx, p)
	if failure != nil {
		status = "ERROR"
	} else {
		a.spawn(ctx)
	}
	_, err = a.db.ExecContext(ctx, "UPDATE servers SET status = ?, host = ? WHERE name = ?", status, host, name)
	return errors.Join(failure, err)
}

// place asks the scheduler for a host.
func (a *api) place(ctx context.Context, p placement) (host string, err error) {
	body, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.scheduler+"/placements", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := a.client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(response.Body)
		return "", fmt.Errorf("%s", bytes.TrimSpace(reason))
	}
	err = json.NewDecoder(response.Body).Decode(&p)
	return p.Host, err
}

// checkToken stands for a call to the identity service, with a span of its own.
func (a *api) checkToken(ctx context.Context) {
	_, span := a.tracer.Start(ctx, "check-token")
	defer span.End()
	time.Sleep(2 * time.Millisecond)
}

// spawn stands for the hypervisor's work.
func (a *api) spawn(ctx context.Context) {
	_, span := a.tracer.Start(ctx, "spawn")
	defer span.End()
	time.Sleep(12 * time.Millisecond)
}
