package redis_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
)

// Each entry of the table is found by its whole words only, also behind the ERR
// of other servers. The test that it names exists, if it names one.
func TestTableOfReplies(t *testing.T) {
	tests := sourceOfTests(t)
	var texts []string
	for _, r := range oredis.Replies() {
		for _, text := range []string{r.Text, r.Text + " more", r.Text + ": more", "ERR " + r.Text + " more"} {
			if got := oredis.ClassOfReply(text); got != r.Class {
				t.Errorf("%q %s in place of %s", text, got, r.Class)
			}
		}
		if got := oredis.ClassOfReply("X" + r.Text); got != "unknown" {
			t.Errorf("X%s %s", r.Text, got)
		}
		if slices.Contains(texts, r.Text) || r.Source == "" || r.Class == "unknown" {
			t.Errorf("the entry %q is there twice, has no source, or no class", r.Text)
		}
		texts = append(texts, r.Text)
		name, sub, _ := strings.Cut(r.Ran, "/")
		if r.Ran != "" && (!strings.Contains(tests, "func "+name+"(") || !strings.Contains(tests, `{"`+sub) && sub != "") {
			t.Errorf("%q names the test %s, which is none", r.Text, r.Ran)
		}
	}
}

func sourceOfTests(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// Whole replies as servers give them, and texts that only begin like a reply,
// get the right class.
func TestClassOfReplies(t *testing.T) {
	for text, want := range map[string]string{
		"LOADING Redis is loading the dataset in memory":                                         "passes",
		"LOADING Valkey is loading the dataset in memory":                                        "passes",
		"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.": "passes",
		"BUSYKEY Target key name already exists.":                                                "stays",
		"BUSYGROUP Consumer Group name already exists":                                           "stays",
		"BUSYBODY":                "unknown",
		"ASK 3999 127.0.0.1:6381": "passes",
		"ASKING is not a code":    "unknown",
		"OOM command not allowed when used memory > 'maxmemory'.": "passes",
		"OOMPH": "unknown",
		"UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)": "passes",
		"ERR max number of clients reached":                              "passes",
		"ERR max number of clients + cluster connections reached":        "passes",
		"ERR max number of clientele":                                    "unknown",
		"ERR unknown command `LPUSH`, with args beginning with: ":        "stays",
		"ERR unknown command 'HELLO'":                                    "stays",
		"ERR Protocol error: invalid bulk length":                        "stays",
		"ERR Can't execute 'lpush': only (P|S)SUBSCRIBE are allowed":     "stays",
		"ERR READONLY You can't write against a read only replica.":      "passes",
		"NOPERM User writer has no permissions to run the 'set' command": "stays",
		"NOPERM this user has no permissions to access one of the keys":  "stays",
		"upstream failure":                 "passes",
		"ERR a reply that nobody has seen": "unknown",
		"NEWCODE of a server to come":      "unknown",
		"":                                 "unknown",
	} {
		if got := oredis.ClassOfReply(text); got != want {
			t.Errorf("%q %s, want %s", text, got, want)
		}
	}
}

// Errors that are not replies get the right class.
func TestClassOfErrors(t *testing.T) {
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}
	}
	sentinels := func(errs ...error) error {
		return fmt.Errorf("redis: all sentinels specified in configuration are unreachable: %w", errors.Join(errs...))
	}
	notFound, later := &net.DNSError{IsNotFound: true}, &net.DNSError{IsTemporary: true}
	for _, c := range []struct {
		want string
		errs []error
	}{
		{"stays", []error{
			dial(syscall.EACCES), dial(syscall.EPERM), dial(syscall.ENOTSOCK), dial(syscall.EAFNOSUPPORT),
			&net.OpError{Op: "dial", Err: &net.AddrError{Err: "invalid port", Addr: "h:99999"}}, &net.OpError{Op: "dial", Err: net.UnknownNetworkError("x")},
			x509.UnknownAuthorityError{}, x509.HostnameError{Certificate: &x509.Certificate{}}, &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")},
			goredis.ErrClosed, sentinels(dial(syscall.EACCES)), sentinels(dial(syscall.EACCES), goredis.ErrClosed),
		}},
		{"unknown", []error{
			dial(syscall.ECONNREFUSED), dial(syscall.ENOENT), dial(syscall.ETIMEDOUT), dial(syscall.EHOSTUNREACH), dial(syscall.EMFILE), dial(syscall.EADDRNOTAVAIL), later, notFound,
			io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, context.DeadlineExceeded, os.ErrDeadlineExceeded, goredis.ErrPoolTimeout, goredis.Nil,
			&net.OpError{Op: "remote error", Err: errors.New("tls: internal error")},
			sentinels(dial(syscall.EACCES), dial(syscall.ECONNREFUSED)), sentinels(goredis.Nil, notFound), errors.New("redis: cluster has no nodes"),
		}},
	} {
		for _, err := range c.errs {
			for _, wrapped := range []error{err, fmt.Errorf("failed to initialize connection options: %w", err)} {
				if got := oredis.ClassOf(wrapped); got != c.want {
					t.Errorf("%v %s, want %s", wrapped, got, c.want)
				}
			}
		}
	}
}

// The documentation page lists the entries of the table.
func TestPageOfReplies(t *testing.T) {
	page, err := os.ReadFile("../../docs/stores/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rowsOfReplies() {
		if !strings.Contains(string(page), row+"\n") {
			t.Errorf("docs/stores/redis.md lacks the row\n%s", row)
		}
	}
}

func rowsOfReplies() (rows []string) {
	for _, class := range []struct{ name, does string }{{"passes", "tried again"}, {"stays", "ends the tries"}} {
		for _, checked := range []string{"run", "read"} {
			var texts []string
			for _, r := range oredis.Replies() {
				if r.Class == class.name && (r.Ran != "") == (checked == "run") {
					texts = append(texts, "`"+r.Text+"`")
				}
			}
			rows = append(rows, fmt.Sprintf("| %s | %s | %s |", strings.Join(texts, ", "), class.does, checked))
		}
	}
	return rows
}
