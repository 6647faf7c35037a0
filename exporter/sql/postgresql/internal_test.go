package postgresql

import (
	"strings"
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

		// SQLAlchemy: options win over the URL, and count as missing where they are empty
		"postgresql://u:p@h:1/db?user=v&password=q&host=i&port=2&database=e": "dbname='e' host='i' password='q' port='2' user='v'",
		"postgresql:///?user=v&password=p%26w&host=i&dbname=e":               "dbname='e' host='i' password='p&w' user='v'",
		"postgresql://u:p@h/db?user=&password=&host=&port=&dbname=":          "dbname='db' host='h' password='p' user='u'",
		"postgresql://u@h/db?dbname=db":                                      "dbname='db' host='h' user='u'",

		// several hosts, in both forms of SQLAlchemy's
		"postgresql://u@/db?host=a:1&host=b:2":                    "dbname='db' host='a,b' port='1,2' user='u'",
		"postgresql+psycopg2://u@/db?host=a:1&host=b&host=c:3":    "dbname='db' host='a,b,c' port='1,,3' user='u'",
		"postgresql://u@/db?host=a&host=b":                        "dbname='db' host='a,b' user='u'",
		"postgresql://u@x/db?host=a:1&host=b:2":                   "dbname='db' host='a,b' port='1,2' user='u'",
		"postgresql://u@/db?host=a,b,c&port=1,,3":                 "dbname='db' host='a,b,c' port='1,,3' user='u'",
		"postgresql://u@/db?host=a,b&port=5":                      "dbname='db' host='a,b' port='5' user='u'",
		"postgresql://u@h:5/db?host=a,b":                          "dbname='db' host='a,b' port='5' user='u'",
		"postgresql://u@/db?host=[::1]:1&host=::2&host=[fe80::3]": "dbname='db' host='::1,::2,fe80::3' port='1,,' user='u'",
		"postgresql://u@/db?host=/run/a:b&host=c":                 "dbname='db' host='/run/a:b,c' user='u'",
		"postgresql://u@/db?host=a:1":                             "dbname='db' host='a' port='1' user='u'",
	} {
		got, _, err := parse(text, store.Options{})
		if err != nil || got != want {
			t.Errorf("%s: got %s (%v), want %s", text, got, err, want)
		}
	}
}

func TestWrongOptions(t *testing.T) {
	for text, want := range map[string]string{
		"postgresql://u@h:5/db?host=a:1&host=b:2":                 "ports in two ways",
		"postgresql://u@/db?host=a:1&host=b:2&port=3":             "ports in two ways",
		"postgresql://u@/db?host=a&host=b&port=1,2":               "ports in two ways",
		"postgresql://u@h/db?dbname=e":                            "option dbname=e",
		"postgresql://u@h/db?port=1&port=2":                       "option port of the connection string is repeated",
		"postgresql://u@h/db?sslmode=disable&sslmode=verify-full": "option sslmode of the connection string is repeated",
		"postgresql://u@h/db?user=a&user=b":                       "option user of the connection string is repeated",
		"postgresql://u@h/db?sslmode=":                            "option sslmode of the connection string is empty",
		"postgresql://u@h/db?sslrootcert=":                        "option sslrootcert of the connection string is empty",
		"postgresql://u@h/db?require_auth=":                       "option require_auth of the connection string is empty",
		"postgresql://u@h/db?sslmode=sure":                        "sslmode=sure of the connection string should be one of disable, allow",
		"postgresql://u@h/db?channel_binding=yes":                 "channel_binding=yes",
		"postgresql://u@h/db?sslnegotiation=tls":                  "sslnegotiation=tls",
		"postgresql://u@h/db?sslcertmode=no":                      "sslcertmode=no",
		"postgresql://u@h/db?sslsni=true":                         "sslsni=true",
		"postgresql://u@h/db?gssencmode=on":                       "gssencmode=on",
	} {
		if _, _, err := parse(text, store.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", text, err, want)
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
