package main

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/grpclog"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/relay"
)

// maskText hides passwords in a text, and makes it safe for a terminal.
func (f *forward) maskText(text string) string {
	arguments := append([]string{os.Getenv(connectionVariable), os.Getenv(targetVariable)}, f.masked...)
	return printable(oneLine(connstr.Redact(text, arguments...)))
}

// logger returns the log of the relay. Its texts show no password.
func (f *forward) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch v := a.Value.Any().(type) {
		case error:
			a.Value = slog.StringValue(f.maskText(v.Error()))
		case string:
			a.Value = slog.StringValue(f.maskText(v))
		case []string:
			masked := make([]string, len(v))
			for i, text := range v {
				masked[i] = f.maskText(text)
			}
			a.Value = slog.AnyValue(masked)
		}
		return a
	}}
	if f.follow.logFormat == logJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// catchLogs makes the lines that libraries write by packages log and grpclog appear in the
// relay's log format. The function that it returns undoes that.
func catchLogs(to *slog.Logger) (restore func()) {
	writer, flags := log.Writer(), log.Flags()
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(to.Handler(), slog.LevelWarn).Writer())
	grpcErrors.to.Store(to)
	return func() {
		grpcErrors.to.Store(nil)
		log.SetOutput(writer)
		log.SetFlags(flags)
	}
}

// grpcErrors receives the errors that gRPC logs.
var grpcErrors grpcLog

type grpcLog struct{ to atomic.Pointer[slog.Logger] }

// Write implements io.Writer.
func (g *grpcLog) Write(line []byte) (int, error) {
	to := g.to.Load()
	if to == nil {
		return os.Stderr.Write(line)
	}
	to.Warn("gRPC", "error", strings.TrimSpace(string(line)))
	return len(line), nil
}

// logGRPC makes gRPC log only errors, to grpcErrors, unless gRPC's own environment variables
// request more. It is called before anything else uses gRPC.
func logGRPC() {
	if os.Getenv("GRPC_GO_LOG_SEVERITY_LEVEL") == "" {
		grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, &grpcErrors))
	}
}

// logWarnings writes warnings to the log. After a few warnings in a minute it only counts
// them.
type logWarnings struct {
	log *slog.Logger

	mu    sync.Mutex
	begun time.Time // when the minute began
	count int       // in the minute
}

// add adds a warning of the relay.
func (w *logWarnings) add(err error) {
	if w.allow() {
		w.log.Warn(err.Error())
	}
}

// allow counts a warning, and reports whether it is one of the first few of its minute.
func (w *logWarnings) allow() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); now.Sub(w.begun) >= time.Minute {
		w.more()
		w.begun, w.count = now, 0
	}
	w.count++
	return w.count <= mostWarnings
}

// more logs how many warnings were counted and not written.
func (w *logWarnings) more() {
	if more := w.count - mostWarnings; more > 0 {
		w.log.Warn(fmt.Sprintf("and %s of the last minute", counted(more, "further warning")))
	}
}

func (w *logWarnings) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.more()
	w.count = 0
}

// countsOf returns the counts of a relay for a line of the log.
func countsOf(s relay.Stats) []any {
	var read, skipped, letters, forwarded, present, refused, incomplete int64
	for _, one := range s.Sources {
		read, skipped, letters = read+one.Read, skipped+one.Skipped, letters+one.DeadLetters
	}
	for _, one := range s.Targets {
		forwarded, present = forwarded+one.Forwarded, present+one.Present
		refused, incomplete = refused+one.Refused, incomplete+one.Incomplete
	}
	return []any{
		"read", read, "unreadable", skipped, "dead_letters", letters, "filtered", s.Filtered,
		"forwarded", forwarded, "there_already", present, "refused", refused, "incomplete_spans", incomplete,
	}
}
