package sql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mysql "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A passingState is a state in which a real server accepts no writes for a
// while.
type passingState struct {
	name  string
	code  string   // the code of the error that a Write gets in the state; "" if there is none or any
	last  string   // the code that a Write gets while the state ends
	setup []string // statements of an administrator, before the store is opened
	user  string   // the user of the store, if not the administrator
	enter func(t *testing.T, c *stateCase)
	leave func(t *testing.T, c *stateCase)
}

// A stateCase is a server in such a state, and a store behind a proxy in front
// of the server.
type stateCase struct {
	server *testenv.Server
	proxy  *testenv.Proxy
	at     string    // the database, at the server itself
	admin  *sql.Conn // a connection of an administrator
	held   []*sql.DB
	stop   chan struct{} // stops repeat
	ended  sync.WaitGroup
}

// lasts is the minimum duration of a state.
const lasts = 1500 * time.Millisecond

// noting records the codes of the errors that writes get.
type noting struct {
	driver.Driver
	writer driver.Writer

	mu    sync.Mutex
	codes []string
	last  error
}

// Unwrap implements driver.Wrapper.
func (n *noting) Unwrap() driver.Driver { return n.Driver }

// Write implements driver.Writer.
func (n *noting) Write(ctx context.Context, batch []osprofiler.Notification) error {
	err := n.writer.Write(ctx, batch)
	if err != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.last = err
		n.codes = append(n.codes, codeOf(err))
	}
	return err
}

// met reports whether a write got the code. "" always counts.
func (n *noting) met(code string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return code == "" || slices.Contains(n.codes, code)
}

// codeOf returns the SQLSTATE or the number of a server's error.
func codeOf(err error) string {
	var pg *pgconn.PgError
	var my *mysql.MySQLError
	switch {
	case errors.As(err, &pg):
		return pg.Code
	case errors.As(err, &my):
		return fmt.Sprint(my.Number)
	}
	return "lost"
}

// test writes with a retry while the server is in the state, and counts the
// rows.
func (p passingState) test(t *testing.T, server *testenv.Server, at string) {
	proxy := testenv.NewProxy(t, server.Addr())
	c := &stateCase{server: server, proxy: proxy, at: at, stop: make(chan struct{})}
	db := foreign(t, at)
	execute(t, db, p.setup...)
	var err error
	own := unlimited(t, at)
	if c.admin, err = own.Conn(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer c.admin.Close()
	if parse(t, at).Scheme != "postgresql" {
		statements("SET SESSION wait_timeout = 28800, SESSION max_statement_time = 0")(t, c)
	}
	inside := open(t, withOption(t, c.storeAt(t, p.user), "osp_busy_timeout", "50ms")).Driver()
	s := &noting{Driver: inside, writer: inside.(driver.Writer)}
	noted := store.New(s)
	// A state may last for a second only, so the tries are closer than by default. They
	// go on longer, because a server may take long to start on a busy machine.
	retry := store.Retry{Max: 250 * time.Millisecond, Elapsed: 5 * time.Minute}
	write := func(name string) error {
		return retry.Write(t.Context(), noted, []osprofiler.Notification{event("A", name), event("A", name+" too")})
	}
	if err := write("before"); err != nil {
		t.Fatal(err)
	}
	p.enter(t, c)
	written := make(chan error, 1)
	go func() { written <- write("meanwhile") }()
	time.Sleep(lasts)
	for began := time.Now(); !s.met(p.code) && time.Since(began) < time.Minute; { // on a busy machine
		time.Sleep(20 * time.Millisecond)
	}
	p.leave(t, c)
	err = errors.Join(<-written, write("after"))
	close(c.stop)
	c.ended.Wait()
	if err != nil {
		t.Errorf("a write fails: %v; writes met %q", err, s.codes)
	}
	if !s.met(p.code) || !s.met(p.last) {
		t.Errorf("writes met %q, the last of them %v; want %s %s", s.codes, s.last, p.code, p.last)
	}
	rows := strs(t, own, "SELECT name FROM data ORDER BY name")
	if got, want := strings.Join(rows, ", "), "after, after too, before, before too, meanwhile, meanwhile too"; got != want {
		t.Errorf("the table has %s; want %s", got, want)
	}
	t.Logf("writes met %q", s.codes)
}

// unlimited returns a client to which time limits do not apply that a state sets for all
// sessions of the database.
func unlimited(t *testing.T, at string) *sql.DB {
	t.Helper()
	if parse(t, at).Scheme == "postgresql" {
		at = withOption(t, at, "options", "-c statement_timeout=0 -c lock_timeout=0 -c idle_session_timeout=0 -c idle_in_transaction_session_timeout=0")
		at = strings.ReplaceAll(at, "+", "%20") // pgx does not decode + as a space
	}
	return foreign(t, at)
}

// storeAt returns the connection string of the store, through the proxy.
func (c *stateCase) storeAt(t *testing.T, user string) string {
	t.Helper()
	u := parse(t, c.at)
	u.Host = c.proxy.Addr()
	if user != "" {
		u.User = url.UserPassword(user, testenv.Password)
	}
	return u.String()
}

// occupy uses up all connections that the server allows for a user, and then
// cuts the store's connections, so that the store needs a free one.
func (c *stateCase) occupy(t *testing.T, user string) {
	t.Helper()
	u := parse(t, c.at)
	if user != "" {
		u.User = url.UserPassword(user, testenv.Password)
	}
	for range 200 {
		db := foreign(t, u.String())
		if err := db.PingContext(t.Context()); err != nil {
			break
		}
		c.held = append(c.held, db)
	}
	// The store's connections become free when the server has noticed the cut.
	// occupy takes them, too, before the store can connect again.
	slots := c.proxy.Clients()
	c.proxy.Refuse(true)
	c.proxy.Reset()
	for began := time.Now(); slots > 0 && time.Since(began) < time.Minute; time.Sleep(5 * time.Millisecond) {
		db := foreign(t, u.String())
		if db.PingContext(t.Context()) == nil {
			c.held = append(c.held, db)
			slots--
		}
	}
	c.proxy.Refuse(false)
}

// vacate undoes occupy.
func (c *stateCase) vacate() {
	for _, db := range c.held {
		db.Close()
	}
}

// repeat executes a statement again and again in a session of its own until the
// state is over.
func (c *stateCase) repeat(t *testing.T, statement string) {
	db := foreign(t, c.at)
	c.ended.Go(func() {
		for {
			select {
			case <-c.stop:
				return
			case <-time.After(20 * time.Millisecond):
				_, _ = db.ExecContext(context.Background(), statement) // the statement may find no session
			}
		}
	})
}

// whenOneWaits calls do when a query counts a session that waits.
func (c *stateCase) whenOneWaits(t *testing.T, query string, do func()) {
	db := foreign(t, c.at)
	c.ended.Go(func() {
		for count := 0; count == 0; time.Sleep(20 * time.Millisecond) {
			select {
			case <-c.stop:
				return
			default:
			}
			if err := db.QueryRowContext(context.Background(), query).Scan(&count); err != nil {
				return
			}
		}
		do()
	})
}

// statements returns a function that executes statements as the administrator.
func statements(all ...string) func(*testing.T, *stateCase) {
	return func(t *testing.T, c *stateCase) {
		for _, statement := range all {
			if _, err := c.admin.ExecContext(context.Background(), statement); err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
	}
}
