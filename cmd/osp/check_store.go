package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader/render"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A storeCheck checks one store.
type storeCheck struct {
	*check

	at       string
	reading  *store.Store // opened for reading only
	writing  *store.Store // opened with the options of the connection string
	findings []finding
	deleted  bool // whether a trace was deleted
	empty    bool // whether the database lacks the table
}

// checkStore checks a store. An error means that the connection string is wrong.
func (c *check) checkStore(ctx context.Context, at string) (found []finding, err error) {
	if store.IsSink(at) {
		return c.checkSink(ctx, at)
	}
	s := &storeCheck{check: c, at: at}
	if s.reading, err = store.Open(ctx, at, store.WithReadOnly()); err != nil {
		return nil, err
	}
	defer func() { _ = s.reading.Close() }() // nothing was written
	if s.writing, err = store.Open(ctx, at); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.writing.Close()) }()
	switch reached := s.reach(ctx); {
	case reached && s.empty:
		s.add("read", resultOK, "0 traces, because there is no table yet")
	case reached:
		s.read(ctx)
	default:
		s.add("read", resultUntested, "because the store cannot be reached")
	}
	s.checkWriting(ctx)
	s.capabilities()
	return s.findings, ctx.Err()
}

func (s *storeCheck) add(check, result, detail string) {
	s.findings = append(s.findings, finding{Check: check, Result: result, Detail: detail})
}

// fail adds a finding for a failed check, with advice.
func (s *storeCheck) fail(check string, err error) {
	s.findings = append(s.findings, finding{Check: check, Result: resultFailed, Detail: err.Error(), Advice: advice(err)})
}

// within returns a context for one check.
func (s *storeCheck) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.timeout)
}

// reach connects to the store.
func (s *storeCheck) reach(ctx context.Context) bool {
	ctx, cancel := s.within(ctx)
	defer cancel()
	if s.write && s.writing.Capabilities().Write {
		_ = s.writing.Ping(ctx) // it creates what is missing; checkWriting reports its error
	}
	began := time.Now()
	if err := s.reading.Ping(ctx); err != nil {
		// A missing file may be a wrong path.
		if s.empty = !errors.Is(err, fs.ErrNotExist) && s.isNew(ctx); !s.empty {
			s.fail("reach", err)
			return false
		}
	}
	took := time.Since(began)
	detail := s.reading.Name()
	if v, ok := driver.As[driver.Versioner](s.reading.Driver()); ok {
		if version, err := v.Version(ctx); err == nil && version != "" {
			detail += " (" + version + ")"
		}
	}
	s.add("reach", resultOK, detail+", in "+render.FormatDuration(took))
	return true
}

// mostCounted is how many traces a check counts.
const mostCounted = 1000

// read lists some traces and reads the first of them.
func (s *storeCheck) read(ctx context.Context) {
	if !s.reading.Capabilities().List || !s.reading.Capabilities().Read {
		s.add("read", resultNo, "this kind of store cannot be read")
		return
	}
	within, cancel := s.within(ctx)
	defer cancel()
	traces, unreadable, more, err := s.count(within)
	detail := counted(traces, "trace")
	switch {
	case err != nil && traces > 0 && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		detail = "at least " + detail + "; listing more takes longer than " + s.timeout.String()
	case err != nil:
		s.fail("read", err)
		return
	case traces == mostCounted:
		detail = "at least " + humanize.Comma(mostCounted) + " traces"
	case more:
		detail = "at least " + detail + " (there are more messages than osp_peek looks at)"
	}
	if unreadable > 0 {
		s.findings = append(s.findings, finding{
			Check: "read", Result: resultFailed,
			Detail: detail + ", but " + counted(unreadable, "entry") + " cannot be read",
			Advice: `"osp trace list" says which they are`,
		})
		return
	}
	s.add("read", resultOK, detail)
}

// count counts traces, and entries that cannot be read.
func (s *storeCheck) count(ctx context.Context) (traces, unreadable int, more bool, err error) {
	for trace, err := range s.reading.Traces(ctx, store.Query{}) {
		switch {
		case store.Ends(err):
			return traces, unreadable, more, err
		case err != nil:
			var damage *store.DamageError
			if errors.As(err, &damage) && (damage.More || damage.Foreign) {
				more = more || damage.More
				continue
			}
			unreadable++
			continue
		}
		if traces++; traces == 1 {
			for _, err := range s.reading.Notifications(ctx, trace.BaseID) {
				if store.Ends(err) {
					return 0, 0, more, err
				}
				break
			}
		}
		if traces == mostCounted {
			break
		}
	}
	return traces, unreadable, more, nil
}

// checkWriting connects as a writer does. It writes only with --write, because trying to
// write should not change a store.
func (s *storeCheck) checkWriting(ctx context.Context) {
	ctx, cancel := s.within(ctx)
	defer cancel()
	reached := s.findings[0].Result == resultOK
	switch {
	case s.writing.IsReadOnly():
		s.add("write", resultUntested, "because the connection string has osp_read_only")
	case !s.writing.Capabilities().Write:
		s.add("write", resultNo, "this kind of store cannot be written")
	case s.writing.Capabilities().Peek:
		s.checkBus(ctx)
	case s.write:
		s.writeTrace(ctx)
	case !reached:
		s.add("write", resultUntested, "because the store cannot be reached; --write tries it, and creates what is missing")
	case s.empty:
		s.add("write", resultUntested, "because there is no table yet, which the first write creates; --write tries it")
	default:
		if err := s.writing.Ping(ctx); err != nil {
			s.fail("write", err)
			return
		}
		s.add("write", resultUntested, "the store accepts a connection for writing, and nothing was written; "+s.writeHint())
	}
}

// writeHint describes what --write would do.
func (s *storeCheck) writeHint() string {
	if !s.writing.Capabilities().Delete {
		return "--write writes nothing either, because this kind of store cannot delete the trace again"
	}
	return "--write writes a trace and deletes it"
}

// checkBus is checkWriting for a message bus. Connecting for writing declares queues, and a
// service that declares them differently would then find these. No message is written,
// because it could not be deleted again.
func (s *storeCheck) checkBus(ctx context.Context) {
	if !s.write {
		s.add("write", resultUntested, "because connecting for writing declares what is missing on the message bus; --write does so, and writes nothing, because a message cannot be deleted again")
		return
	}
	if err := s.writing.Ping(ctx); err != nil {
		s.fail("write", err)
		return
	}
	s.add("write", resultUntested, "the message bus accepts a connection for writing, and nothing was written, because a message cannot be deleted again")
}

// isNew reports whether the store lacks what the first write creates.
func (s *storeCheck) isNew(ctx context.Context) bool {
	d, ok := driver.As[interface {
		Exists(ctx context.Context) (bool, error)
	}](s.writing.Driver()) // for a driver that only reads, a missing table is an error
	if !ok || s.writing.IsReadOnly() {
		return false
	}
	exists, err := d.Exists(ctx)
	return err == nil && !exists
}

// writeTrace writes a trace, reads it back and deletes it.
func (s *storeCheck) writeTrace(ctx context.Context) {
	if !s.writing.Capabilities().Delete {
		s.add("write", resultUntested, "because this kind of store cannot delete the trace again")
		return
	}
	began := time.Now()
	id := osprofiler.NewID()
	if err := s.writing.Write(ctx, checkTrace(id)); err != nil {
		s.fail("write", err)
		return
	}
	read, errRead := 0, error(nil)
	for _, err := range s.writing.Notifications(ctx, id) {
		if err != nil {
			errRead = err
			break
		}
		read++
	}
	_, errDelete := s.writing.Delete(ctx, id)
	s.deleted = errDelete == nil
	switch {
	case errDelete != nil:
		s.fail("write", fmt.Errorf("a trace was written, but it cannot be deleted, and stays there as %s: %w", id, errDelete))
	case errRead != nil:
		s.fail("write", fmt.Errorf("a trace was written and deleted, but it could not be read back: %w", errRead))
	case read != len(checkTrace(id)):
		s.fail("write", fmt.Errorf("a trace of %d notifications was written, but %d were read back", len(checkTrace(id)), read))
	default:
		s.add("write", resultOK, "a trace was written, read back and deleted, in "+render.FormatDuration(time.Since(began)))
	}
}

// checkTrace returns the notifications of a trace for a test.
func checkTrace(id string) []osprofiler.Notification {
	host, _ := os.Hostname() // "" if it is unknown
	n := osprofiler.Notification{
		Name: "osp-check-start", BaseID: id, TraceID: osprofiler.NewID(), ParentID: id, Project: "osp", Service: "osp",
		Timestamp: osprofiler.FormatTime(time.Now()), Info: osprofiler.Info(fmt.Sprintf(`{"host": %q}`, strings.ToValidUTF8(host, ""))),
	}
	stop := n
	stop.Name, stop.Info = "osp-check-stop", `{}`
	return []osprofiler.Notification{n, stop}
}

// capabilities adds what else the kind of store can do. If --write has deleted a trace, the
// account may delete.
func (s *storeCheck) capabilities() {
	can := s.reading.Capabilities()
	_, can.Delete = driver.As[driver.Deleter](s.writing.Driver())
	for _, capability := range []struct {
		check, what string
		can         bool
	}{
		{"delete", `this kind of store can delete traces; whether the account may was not tested`, can.Delete},
		{"follow", "this kind of store can tell what is new", can.Feed},
	} {
		switch {
		case capability.can && capability.check == "delete" && s.writing.IsReadOnly():
			s.add("delete", resultNo, "the connection string has osp_read_only")
		case capability.can && capability.check == "delete" && s.deleted:
			s.add("delete", resultOK, "the trace of the write check was deleted")
		case capability.can:
			s.add(capability.check, resultYes, capability.what)
		default:
			s.add(capability.check, resultNo, "this kind of store cannot do that")
		}
	}
	switch {
	case !can.Peek:
	case s.writing.IsReadOnly():
		s.add("consume", resultNo, "the connection string has osp_read_only")
	default:
		s.add("consume", resultYes, `"osp forward" takes messages from the message bus; whether the account may was not tested`)
	}
}

// advice returns what to do about an error, if the error's text shows that.
func advice(err error) string {
	text := strings.ToLower(err.Error())
	for _, a := range []struct {
		advice string
		signs  []string
	}{
		{"give the account the right to do so, or use another account", []string{"lacks a right"}},
		{"start the server, or correct the host and the port", []string{"connection refused", "connect: no such file"}},
		{"correct the name of the host, or ask its name server", []string{"no such host", "there is no host", "server misbehaving", "name resolution"}},
		{"correct the user and the password of the connection string", []string{"wrongpass", "noauth", "password", "authentication", "access denied for user"}},
		{"check the TLS options of the connection string, and the certificates", []string{"certificate", "x509", "tls"}},
		{"give the account the right to do so, or use another account", []string{"permission denied", "denied", "noperm", "read-only"}},
		{"create the database, or correct its name", []string{"unknown database", "has no database", "database does not exist", "3d000", "invalid db index", "db index"}},
		{"check the address, and firewalls on the way to it; --timeout waits longer", []string{"did not answer", "no answer in", "i/o timeout", "no route to host", "unreachable", "deadline exceeded"}},
		{"check the path of the connection string; the first write creates the file, but no folder", []string{"no such file", "does not exist"}},
	} {
		for _, sign := range a.signs {
			if strings.Contains(text, sign) {
				return a.advice
			}
		}
	}
	return ""
}
