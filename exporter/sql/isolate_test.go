package sql_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// padded returns a notification whose info has that many additional bytes.
func padded(baseID, name string, bytes int) osprofiler.Notification {
	n := event(baseID, name)
	n.Info = osprofiler.Info(`{"db": {"statement": "x", "params": ["` + strings.Repeat("A", bytes) + `"]}, "host": "h"}`)
	return n
}

// checkRefused checks that a write refused the notifications with these indices
// and names them, and that all others are stored, in order.
func checkRefused(t *testing.T, s *store.Store, batch []osprofiler.Notification, err error, refused ...int) {
	t.Helper()
	var failed *store.WriteError
	if !errors.As(err, &failed) {
		t.Fatalf("the error is no WriteError: %v", err)
	}
	if !slices.Equal(failed.Missing, refused) || !slices.Equal(failed.Refused, refused) || failed.Transient {
		t.Errorf("missing %v, refused %v, transient %v; want %v: %v", failed.Missing, failed.Refused, failed.Transient, refused, err)
	}
	var want []string
	for i, n := range batch {
		if !slices.Contains(refused, i) {
			want = append(want, n.Name)
		} else if !strings.Contains(err.Error(), fmt.Sprintf("the notification %q of base_id %q", n.Name, n.BaseID)) {
			t.Errorf("the error does not name %q: %.300v", n.Name, err)
		}
	}
	if got := names(t, s, batch[0].BaseID); !slices.Equal(got, want) {
		t.Errorf("stored are %q, want %q", got, want)
	}
}

// numbered returns notifications of the trace A.
func numbered(count int) (batch []osprofiler.Notification) {
	for i := range count {
		batch = append(batch, event("A", fmt.Sprintf("n%02d-start", i)))
	}
	return batch
}

// A notification that is larger than the server accepts does not keep the
// others from being stored.
func TestOversized(t *testing.T) {
	t.Parallel()
	server := testenv.StartMariaDB(t, "--max-allowed-packet=4194304")
	for _, c := range []struct {
		name    string
		sizes   map[int]int
		refused []int
	}{
		{"one", map[int]int{10: 5_000_000}, []int{10}},
		{"first and last", map[int]int{0: 5_000_000, 19: 9_000_000}, []int{0, 19}},
		{"beside large ones that fit", map[int]int{3: 3_000_000, 4: 5_000_000, 5: 3_900_000}, []int{4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, server.MariaDB())
			execute(t, foreign(t, server.MariaDB()), "DELETE FROM data")
			batch := numbered(20)
			for i, size := range c.sizes {
				batch[i] = padded("A", batch[i].Name, size)
			}
			began := time.Now()
			err := store.Retry{Elapsed: 10 * time.Minute}.Write(t.Context(), s, batch)
			if took := time.Since(began); took > 5*time.Minute {
				t.Errorf("the refusal took %v, as if it were a state that passes", took)
			}
			checkRefused(t, s, batch, err, c.refused...)
			if !strings.Contains(err.Error(), "is larger than the server takes (max_allowed_packet)") {
				t.Errorf("the error does not name the limit: %v", err)
			}
		})
	}
}

// A row that the table refuses does not keep the others from being stored.
func TestRefusedRows(t *testing.T) {
	for name, c := range map[string]map[string][]string{
		"check": {
			"postgresql": {"ALTER TABLE data ADD CHECK (name NOT LIKE 'bad%')"},
			"mariadb":    {"ALTER TABLE data ADD CHECK (name NOT LIKE 'bad%')"},
		},
		"deferred constraint": {
			"postgresql": {
				`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name LIKE 'bad%' THEN RAISE EXCEPTION 'bad name' USING ERRCODE='23514'; END IF; RETURN NULL; END $$`,
				`CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON data DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()`,
			},
		},
		"trigger": {
			"postgresql": {
				`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name LIKE 'bad%' THEN RAISE EXCEPTION 'bad name'; END IF; RETURN NEW; END $$`,
				`CREATE TRIGGER refuse BEFORE INSERT ON data FOR EACH ROW EXECUTE FUNCTION refuse()`,
			},
			"mariadb": {`CREATE TRIGGER refuse BEFORE INSERT ON data FOR EACH ROW IF NEW.name LIKE 'bad%' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bad name'; END IF`},
		},
		"narrow column": {
			"postgresql": {"ALTER TABLE data ALTER COLUMN name TYPE VARCHAR(12)"},
			"mariadb":    {"ALTER TABLE data MODIFY name VARCHAR(12)"},
		},
		"unique index": {
			"postgresql": {"CREATE UNIQUE INDEX once ON data (host) WHERE name LIKE 'bad%'", "INSERT INTO data (host, name) VALUES ('h', 'bad-before')"},
			"mariadb":    {"ALTER TABLE data ADD bad VARCHAR(12) AS (IF(name LIKE 'bad%', host, NULL)) UNIQUE", "INSERT INTO data (host, name) VALUES ('h', 'bad-before')"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			onServers(t, func(t *testing.T, server, at string) {
				if c[server] == nil {
					return // this server has no such constraints
				}
				s := open(t, at)
				execute(t, foreign(t, at), c[server]...)
				batch := numbered(9)
				batch[2].Name, batch[7].Name = "bad-long-name-start", "bad-long-other-start"
				checkRefused(t, s, batch, s.Write(t.Context(), batch), 2, 7)
			})
		})
	}
}

// On a server without the strict mode, nothing is cut. Without the store's
// settings, such a server would cut values that do not fit into a column, and
// report success.
func TestNothingIsCut(t *testing.T) {
	server := testenv.StartMariaDB(t, "--sql-mode=")
	s := open(t, server.MariaDB())
	execute(t, foreign(t, server.MariaDB()), "ALTER TABLE data MODIFY data TEXT")
	batch := []osprofiler.Notification{event("A", "x"), padded("A", "y", 100_000)}
	checkRefused(t, s, batch, s.Write(t.Context(), batch), 1)
}

// If a server closes the connection because of a large row, as proxies do, that
// row is refused. The proxy of the test cuts each connection that carries too
// much.
func TestHungUpOverLargeRow(t *testing.T) {
	t.Parallel()
	onServers(t, func(t *testing.T, _, at string) {
		u := parse(t, at)
		proxy := testenv.NewProxy(t, u.Host)
		u.Host = proxy.Addr()
		s := open(t, u.String())
		proxy.LimitRequests(2 << 20)
		batch := numbered(20)
		batch[10] = padded("A", batch[10].Name, 10<<20) // the proxy may see an answer to an earlier request late
		batch[11] = padded("A", batch[11].Name, 1<<20)
		err := store.Retry{Elapsed: 5 * time.Minute}.Write(t.Context(), s, batch)
		proxy.LimitRequests(-1)
		checkRefused(t, s, batch, err, 10)
	})
}
