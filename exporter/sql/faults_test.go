package sql_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

var kinds = map[string]faults.Server{
	// PostgreSQL reports that the disk is full as long as its log has room.
	// Then it stops. Only the context stops the waiting for an answer.
	"postgresql": {
		Start: func(t testing.TB, d testenv.Disk) *testenv.Server {
			// With this setting, the server soon knows by which index a trace is
			// found, and not only after a minute.
			return testenv.StartPostgreSQLOn(t, d, "-c", "autovacuum_naptime=1s")
		},
		At: func(s *testenv.Server, addr string) string {
			return strings.Replace(s.PostgreSQL(), s.Addr(), addr, 1)
		},
		Limit: 3 * time.Second,
		Disk:  "512m",
		Full:  "cannot grow: the disk is full: ",
	},
	"mariadb": {
		Start: func(t testing.TB, d testenv.Disk) *testenv.Server {
			return testenv.StartMariaDBOn(t, d, "--innodb-log-file-size=16m")
		},
		At: func(s *testenv.Server, addr string) string {
			return strings.Replace(s.MariaDB(), s.Addr(), addr, 1) + "&read_timeout=2&write_timeout=2"
		},
		Disk: "512m",
		Full: "cannot grow: the disk is full: ",
	},
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kind.Test(t)
		})
	}
}

// A server that does not answer delays nobody beyond the context.
func TestStoppedServer(t *testing.T) {
	onServers(t, func(t *testing.T, _, at string) {
		u := parse(t, at)
		proxy := testenv.NewProxy(t, u.Host)
		u.Host = proxy.Addr()
		s := open(t, u.String())
		if err := s.Write(t.Context(), []osprofiler.Notification{event("A", "x")}); err != nil {
			t.Fatal(err)
		}
		proxy.Blackhole(true)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		start := time.Now()
		err := s.Write(ctx, []osprofiler.Notification{event("A", "y")})
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took > time.Minute {
			t.Errorf("after %v: %v", took, err)
		}
		proxy.Blackhole(false)
		proxy.Reset()
		if err := (store.Retry{}).Write(t.Context(), s, []osprofiler.Notification{event("A", "z")}); err != nil {
			t.Error(err)
		}
	})
}
