package postgresql

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate/statetest"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

func TestStates(t *testing.T) {
	statetest.Check(t, &states, "../*_test.go", "../../../docs/stores/states.md")
}

// Each SQLSTATE of the server is in the table, by itself or by its class.
func TestEveryState(t *testing.T) {
	files, _ := filepath.Glob("/usr/share/postgresql/*/errcodes.txt")
	if len(files) == 0 {
		testenv.Missing(t, "no errcodes.txt of PostgreSQL: run scripts/setup.sh")
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`(?m)^([0-9A-Z]{5})\s`).FindAllStringSubmatch(string(text), -1)
	if len(codes) < 200 {
		t.Fatalf("%s has %d codes", files[0], len(codes))
	}
	for _, code := range codes {
		if _, known := states.Find(code[1]); !known {
			t.Errorf("%s is not in the table", code[1])
		}
	}
}

func TestClassOf(t *testing.T) {
	for _, c := range []struct {
		e    pgconn.PgError
		want serverstate.Class
	}{
		{pgconn.PgError{Code: "0A000", Message: "cannot set transaction read-write mode during recovery"}, serverstate.Passes},
		{pgconn.PgError{Code: "0A000", Message: "während der Wiederherstellung", Routine: "check_XactReadOnly"}, serverstate.Passes},
		{pgconn.PgError{Code: "0A000", Message: "cannot COPY", Routine: "DoCopy"}, serverstate.Stays},
		{pgconn.PgError{Code: "55000", Message: "cannot acquire lock mode while recovery is in progress"}, serverstate.Passes},
		{pgconn.PgError{Code: "25006", Message: "cannot execute INSERT in a read-only transaction"}, serverstate.Passes},
		{pgconn.PgError{Code: "08P01", Message: "no more connections allowed (max_client_conn)"}, serverstate.Passes},
		{pgconn.PgError{Code: "08P01", Message: "no such user: x"}, serverstate.Stays},
		{pgconn.PgError{Code: "08006"}, serverstate.Passes},
		{pgconn.PgError{Code: "22P05"}, serverstate.Row},
		{pgconn.PgError{Code: "23514"}, serverstate.Row},
		{pgconn.PgError{Code: "40001"}, serverstate.Contended},
		{pgconn.PgError{Code: "40003"}, serverstate.Unknown},
		{pgconn.PgError{Code: "42501"}, serverstate.Stays},
		{pgconn.PgError{Code: "57P04"}, serverstate.Stays},
		{pgconn.PgError{Code: "U0001"}, serverstate.Row},
		{pgconn.PgError{Code: "23505", ConstraintName: "data_pkey"}, serverstate.Contended},
		{pgconn.PgError{Code: "23505", ConstraintName: "operators"}, serverstate.Row},
		{pgconn.PgError{Code: "2200H"}, serverstate.Stays},
	} {
		if got, sent := classOf(&c.e); got != c.want || !sent {
			t.Errorf("%s %q: %v, want %v", c.e.Code, c.e.Message, got, c.want)
		}
	}
}
