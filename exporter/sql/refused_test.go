package sql_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// The error about a refusal is one sentence, without the password.
func TestRefused(t *testing.T) {
	onServers(t, func(t *testing.T, name, at string) {
		u := parse(t, at)
		const secret = "geheim-4712"
		with := func(change func(u *url.URL)) string {
			other := *u
			change(&other)
			return other.String()
		}
		user := u.User.Username()
		product := map[string]string{"postgresql": "PostgreSQL", "mariadb": "MySQL"}[name]
		for _, c := range []struct{ at, want string }{
			{with(func(u *url.URL) { u.User = url.UserPassword(user, secret) }), product + " at " + u.Host + " refuses the user \"" + user + "\": "},
			{with(func(u *url.URL) { u.User = url.UserPassword("nobody", secret) }), product + " at " + u.Host + " refuses the user \"nobody\": "},
			{with(func(u *url.URL) { u.Path = "/osp_none" }), product + " at " + u.Host + " has no database \"osp_none\""},
			{with(func(u *url.URL) { u.Host = "127.0.0.1:1" }), "cannot connect to " + product + " at 127.0.0.1:1: connection refused"},
			{with(func(u *url.URL) { u.Host = "no-such-host.invalid" }), "cannot connect to " + product + " at no-such-host.invalid:"},
			{with(func(u *url.URL) { u.RawQuery = "geheim=geheim-4712" }), `unknown option "geheim" of the connection string; this back end knows `},
			{with(func(u *url.URL) { u.RawQuery = "osp_busy_timeout=soon" }), "option osp_busy_timeout=soon of the connection string should be a time"},
			{with(func(u *url.URL) { u.RawQuery = "osp_read_only" }), "the database " + `"` + strings.Trim(u.Path, "/") + `" at ` + u.Host + ` holds no traces: it has no table "data"`},
		} {
			s, err := openAt(t.Context(), c.at)
			if err == nil {
				s.Close()
				t.Errorf("%s was opened", c.want)
				continue
			}
			if got := err.Error(); !strings.HasPrefix(got, c.want) || strings.ContainsAny(got, "\n") || strings.Contains(got, secret) || strings.Contains(got, testenv.Password) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		}
		if tables := strs(t, foreign(t, at), "SELECT table_name FROM information_schema.tables WHERE table_name = 'data' AND table_schema IN ('public', '"+strings.Trim(u.Path, "/")+"')"); len(tables) != 0 {
			t.Errorf("a refused connection string made tables: %q", tables)
		}
	})
}

// minimal are the statements of docs/stores/sql.md that grant rights.
var minimal = map[string]map[string][]string{
	"postgresql": {
		"writer": {"CREATE USER ACCOUNT PASSWORD 'pw'", "GRANT SELECT, INSERT ON data TO ACCOUNT", "GRANT USAGE ON SEQUENCE data_id_seq TO ACCOUNT"},
		"reader": {"CREATE USER ACCOUNT PASSWORD 'pw'", "GRANT SELECT ON data TO ACCOUNT"},
		"drop":   {"DROP OWNED BY ACCOUNT", "DROP USER ACCOUNT"},
	},
	"mariadb": {
		"writer": {"CREATE USER ACCOUNT IDENTIFIED BY 'pw'", "GRANT SELECT, INSERT ON DATABASE.data TO ACCOUNT"},
		"reader": {"CREATE USER ACCOUNT IDENTIFIED BY 'pw'", "GRANT SELECT ON DATABASE.data TO ACCOUNT"},
		"drop":   {"DROP USER ACCOUNT"},
	},
}

// The rights that docs/stores/sql.md names are enough. An action that they do
// not allow is an error that says so.
func TestMinimalRights(t *testing.T) {
	onServers(t, func(t *testing.T, name, at string) {
		owner := open(t, at)
		if err := owner.Write(t.Context(), []osprofiler.Notification{event("A", "x-start")}); err != nil {
			t.Fatal(err)
		}
		u := parse(t, at)
		database := strings.Trim(u.Path, "/")
		db := foreign(t, at)
		run := func(what, account string) {
			for _, statement := range minimal[name][what] {
				execute(t, db, strings.NewReplacer("ACCOUNT", account, "DATABASE", database).Replace(statement))
			}
		}
		roles := []string{"writer", "reader"}
		defer func() {
			for _, role := range roles {
				run("drop", role+"_"+database)
			}
		}()
		for _, role := range roles {
			account := role + "_" + database
			run(role, account)
			u.User = url.UserPassword(account, "pw")
			s, err := openAt(t.Context(), u.String())
			if role == "writer" {
				if err == nil {
					err = errors.Join(s.Write(t.Context(), []osprofiler.Notification{event("A", "y-start")}), s.Close())
				}
				if err != nil {
					t.Errorf("%s: %v", role, err)
				}
				continue
			}
			if want := fmt.Sprintf(`the user %q lacks a right in the database %q at %s: `, account, database, u.Host); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			q := u.Query()
			q.Set("osp_read_only", "yes")
			u.RawQuery = q.Encode()
			if got := names(t, open(t, u.String()), "A"); len(got) != 2 {
				t.Errorf("%s reads %q", role, got)
			}
		}
	})
}
