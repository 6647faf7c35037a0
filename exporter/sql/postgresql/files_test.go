package postgresql_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/exporter/sql/postgresql"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// ways are the ways in which an option reaches the driver: by a connection
// string, by the environment, and by a service file.
var ways = map[string]func(t *testing.T, option, value string) error{
	"connection string": func(t *testing.T, option, value string) error {
		return pinged(store.Open(t.Context(), "postgresql://u@127.0.0.1:1/db?"+option+"="+value))
	},
	"Open": func(t *testing.T, option, value string) error {
		return pinged(postgresql.Open("postgresql://u@127.0.0.1:1/db?" + option + "=" + value))
	},
	"environment": func(t *testing.T, option, value string) error {
		t.Setenv("PG"+strings.ToUpper(option), value)
		return pinged(postgresql.Open("postgresql://u@127.0.0.1:1/db"))
	},
	"service": func(t *testing.T, option, value string) error {
		path := write(t, 0o600, fmt.Sprintf("[other]\nhost=x\n[one]\n%s=%s\n", option, value))
		return pinged(store.Open(t.Context(), "postgresql://u@127.0.0.1:1/db?service=one", withServiceFile(t, path)))
	},
}

// withServiceFile names the service file in the environment, because SQLAlchemy
// has no other way to pass it to libpq.
func withServiceFile(t *testing.T, path string) store.Option {
	t.Setenv("PGSERVICEFILE", path)
	return store.WithReadOnly()
}

// pinged connects, and closes the store.
func pinged(s *store.Store, err error) error {
	if err == nil {
		err = errors.Join(s.Ping(context.Background()), s.Close())
	}
	return err
}

func write(t *testing.T, mode os.FileMode, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

// No file is read without a limit, whatever names the file.
func TestFilesAreBounded(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	large := write(t, 0o600, strings.Repeat("#", 1<<20+1))
	for _, option := range []string{"sslrootcert", "sslcert", "sslkey", "passfile"} {
		for way, open := range ways {
			for path, want := range map[string]string{"/dev/zero": "it is no regular file", large: "it has more than 1048576 bytes"} {
				t.Run(option+" by "+way, func(t *testing.T) {
					if err := open(t, option, path); err == nil || !strings.Contains(err.Error(), path+": "+want) {
						t.Errorf("got %v, want %s: %s", err, path, want)
					}
				})
			}
		}
	}
	t.Run("service file", func(t *testing.T) {
		t.Setenv("PGSERVICEFILE", "/dev/zero")
		if err := ways["Open"](t, "service", "one"); err == nil || !strings.Contains(err.Error(), "the service file cannot be read: open /dev/zero: it is no regular file") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no password file", func(t *testing.T) {
		if err := ways["Open"](t, "passfile", os.DevNull); err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("got %v, want an attempt to connect", err)
		}
	})
}

// A missing home directory, or one that this account may not read, does not
// keep a store from connecting.
func TestWithoutHome(t *testing.T) {
	for _, home := range []string{"", "/none", "/dev/null"} {
		t.Setenv("HOME", home)
		for _, options := range []string{"", "&sslmode=disable", "&sslmode=require"} {
			if err := ways["connection string"](t, "application_name", "x"+options); err == nil || !strings.Contains(err.Error(), "connection refused") {
				t.Errorf("HOME=%s, %s: got %v, want an attempt to connect", home, options, err)
			}
		}
	}
}

// A password file is not read if there is a password.
func TestPasswordFileThatIsNotNeeded(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	if err := ways["Open"](t, "password", "geheim&passfile=/dev/zero"); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v, want an attempt to connect", err)
	}
}

// A key and a password file that others may read are refused, whatever names
// them.
func TestOpenChecksRights(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	c := testenv.NewCertificates(t, "")
	text, err := os.ReadFile(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	for way, open := range ways {
		t.Run(way, func(t *testing.T) {
			if err := open(t, "passfile", write(t, 0o644, "*:*:*:*:geheim\n")); err == nil || !strings.Contains(err.Error(), "the password file, ") || !strings.Contains(err.Error(), "should be 0600") {
				t.Errorf("got %v", err)
			}
			if err := open(t, "passfile", write(t, 0o600, "*:*:*:*:geheim\n")); err == nil || !strings.Contains(err.Error(), "connection refused") {
				t.Errorf("got %v, want an attempt to connect", err)
			}
			if err := open(t, "sslkey", write(t, 0o644, string(text))); err == nil || !strings.Contains(err.Error(), "the key of the client's certificate, ") || !strings.Contains(err.Error(), "should be 0600") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("several hosts", func(t *testing.T) {
		path := write(t, 0o600, "localhost:1:*:*:geheim\n127.0.0.1:1:*:*:other\n")
		err := pinged(postgresql.Open("postgresql://u@/db?host=localhost,127.0.0.1&port=1,1&passfile=" + path))
		if err == nil || !strings.Contains(err.Error(), "different passwords for the hosts") {
			t.Errorf("got %v", err)
		}
	})
}

// PGREQUIRESSL is honoured: the password is not sent to a server that refuses
// TLS.
func TestOpenRequiresTLS(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("PGREQUIRESSL", "1")
	for _, form := range []string{"postgresql://u:geheim@%s:%s/db", "postgresql://u:geheim@%s:%s/db?application_name=x"} {
		h := &hostile{answer: "R\x00\x00\x00\x08\x00\x00\x00\x03"} // asks for the password in clear
		h.start(t)
		host, port, _ := strings.Cut(h.addr, ":")
		err := pinged(postgresql.Open(fmt.Sprintf(form, host, port)))
		h.mu.Lock()
		got := h.got.String()
		h.mu.Unlock()
		if err == nil || strings.Contains(got, password) {
			t.Errorf("%s: the server got %q (%v)", form, got, err)
		}
	}
}
