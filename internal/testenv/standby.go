package testenv

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

// StartStandby starts a hot standby of a server that StartPostgreSQL started, on
// its own port and in its own folder. The standby follows the primary by
// streaming replication. It answers queries and accepts no writes until
// [Server.Promote]. A standby refuses to start if its arguments set some
// settings, such as max_connections, to less than the primary has.
func StartStandby(t testing.TB, primary *Server, args ...string) *Server {
	t.Helper()
	return start(t, postgreSQLServer, standbyProgram(primary, args), Disk{})
}

// standbyProgram returns the program of a server whose data is a base backup of
// the primary.
func standbyProgram(primary *Server, args []string) func() (program, error) {
	return func() (program, error) {
		pr, err := postgreSQLProgram(args...)()
		if err != nil {
			return pr, err
		}
		bin, err := postgreSQLBin()
		pr.prepare = func(p *process) error {
			// A file keeps the password out of the arguments of programs.
			if err := p.write("passwords", fmt.Sprintf("127.0.0.1:%d:*:%s:%s\n", primary.p.port, User, Password)); err != nil {
				return err
			}
			from := fmt.Sprintf("host=127.0.0.1 port=%d user=%s passfile=%s application_name=standby", primary.p.port, User, p.path("passwords"))
			return p.run(filepath.Join(bin, "pg_basebackup"), "-D", p.data(), "-d", from, "-R", "-c", "fast", "--no-sync")
		}
		return pr, err
	}
}

// Promote makes a standby a primary, and waits until it accepts writes.
func (s *Server) Promote() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.PostgreSQL())
	s.must(err)
	defer conn.Close(ctx)
	var promoted bool
	s.must(conn.QueryRow(ctx, "SELECT pg_promote(true, $1)", int(patience.Seconds())).Scan(&promoted))
	if !promoted {
		s.must(errors.New("the standby was not promoted: " + s.Log()))
	}
}
