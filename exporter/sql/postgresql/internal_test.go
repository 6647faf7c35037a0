package postgresql

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/osprofiler-otel/osprofiler/store"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"postgresql://u:p%40w@h/db":                         "dbname='db' host='h' password='p@w' user='u'",
		"postgresql+psycopg2://u:it's%5C@h:5433/db":         `dbname='db' host='h' password='it\'s\\' port='5433' user='u'`,
		"postgresql://u@/db?host=/run/postgresql&port=5":    "dbname='db' host='/run/postgresql' port='5' user='u'",
		"postgresql://h/db?sslmode=require&osp_read_only=1": "dbname='db' host='h' sslmode='require'",
	} {
		got, _, err := parse(text, store.Options{})
		if err != nil || got != want {
			t.Errorf("%s: got %s (%v), want %s", text, got, err, want)
		}
	}
}

func TestRebind(t *testing.T) {
	if got := (dialect{}).Rebind("a = ? AND b LIKE '%x%' AND c IN (?, ?)"); got != "a = $1 AND b LIKE '%x%' AND c IN ($2, $3)" {
		t.Errorf("got %s", got)
	}
}

// What is quoted the driver reads as it was.
func FuzzParse(f *testing.F) {
	f.Add("u", `p'\ @`, "db")
	f.Fuzz(func(t *testing.T, user, password, database string) {
		c, err := pgx.ParseConfig(pairs(map[string]string{"host": "h", "user": user, "password": password, "dbname": database}))
		if err != nil || user == "" || password == "" || database == "" {
			return
		}
		if c.User != user || c.Password != password || c.Database != database {
			t.Errorf("%q %q %q became %q %q %q", user, password, database, c.User, c.Password, c.Database)
		}
	})
}
