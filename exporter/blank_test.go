package exporter_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	_ "modernc.org/sqlite"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge/convert"
)

// startsOf returns the starts of the spans that f makes, by name.
func startsOf(t *testing.T, f func(ctx context.Context, provider trace.TracerProvider)) map[string]osprofiler.Notification {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	f(t.Context(), provider)
	starts := map[string]osprofiler.Notification{}
	for _, n := range convert.New().Append(nil, convert.Starts, recorder.Ended()...) {
		starts[n.Operation()] = n
	}
	return starts
}

// TestOtelsqlWithoutStatement checks that otelsql's spans about the connection,
// which have no statement, keep their names, and that spans of statements are named
// db.
func TestOtelsqlWithoutStatement(t *testing.T) {
	starts := startsOf(t, func(ctx context.Context, provider trace.TracerProvider) {
		db, err := otelsql.Open("sqlite", filepath.Join(t.TempDir(), "x.db"), otelsql.WithTracerProvider(provider),
			otelsql.WithSpanOptions(otelsql.SpanOptions{Ping: true}),
			otelsql.WithAttributes(attribute.String("db.system.name", "sqlite")))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.PingContext(ctx); err != nil {
			t.Fatal(err)
		}
		tx, err := db.BeginTx(ctx, &sql.TxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(ctx, "CREATE TABLE instances (id INTEGER)"); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	})
	for _, name := range []string{"sql.conn.ping", "sql.conn.begin_tx", "sql.tx.commit"} {
		if n, ok := starts[name]; !ok || n.Info.Has("db") {
			t.Errorf("%s: %v %s", name, ok, n.Info)
		}
	}
	if n := starts["db"]; !strings.Contains(string(n.Info), "CREATE TABLE instances") {
		t.Errorf("db is %s", n.Info)
	}
}

// TestOtelpgxWithoutStatement checks the same for otelpgx, which uses other
// attributes.
func TestOtelpgxWithoutStatement(t *testing.T) {
	starts := startsOf(t, func(ctx context.Context, provider trace.TracerProvider) {
		tracer := provider.Tracer("github.com/exaring/otelpgx")
		for name, attrs := range map[string][]attribute.KeyValue{
			"pool.acquire": {attribute.String("db.system.name", "postgresql"), attribute.String("db.namespace", "nova"), attribute.String("server.address", "h")},
			"connect":      {attribute.String("db.system.name", "postgresql"), attribute.String("db.user", "nova")},
			"SELECT":       {attribute.String("db.system.name", "postgresql"), attribute.String("db.query.text", "SELECT 1")},
		} {
			_, span := tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
			span.End()
		}
	})
	for _, name := range []string{"pool.acquire", "connect"} {
		if n, ok := starts[name]; !ok || n.Info.Has("db") {
			t.Errorf("%s: %v %s", name, ok, n.Info)
		}
	}
	if n := starts["db"]; !strings.Contains(string(n.Info), "SELECT 1") {
		t.Errorf("db is %s", n.Info)
	}
}
