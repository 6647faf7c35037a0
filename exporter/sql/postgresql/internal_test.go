package postgresql

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"postgresql://u:p%40w@h/db":                         "dbname='db' host='h' password='p@w' user='u'",
		"postgresql+psycopg2://u:it's%5C@h:5433/db":         `dbname='db' host='h' password='it\'s\\' port='5433' user='u'`,
		"postgresql://u@/db?host=/run/postgresql&port=5":    "dbname='db' host='/run/postgresql' port='5' user='u'",
		"postgresql://h/db?sslmode=require&osp_read_only=1": "dbname='db' host='h' sslmode='require'",

		// SQLAlchemy: options take precedence over the URL, and empty ones count as
		// missing.
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
		"postgresql://u@/db?host=/run/a:1&host=/run/b:2":          "dbname='db' host='/run/a,/run/b' port='1,2' user='u'",
		"postgresql://u@/db?host=/run/a:1":                        "dbname='db' host='/run/a:1' user='u'",
		"postgresql://u@/db?hostaddr=127.0.0.1,::1":               "dbname='db' host='127.0.0.1,::1' user='u'",
		"postgresql://u@/db?host=a,b&hostaddr=127.0.0.1,":         "dbname='db' host='a,b' user='u'",
		"postgresql+asyncpg://u@h/db?ssl=require":                 "dbname='db' host='h' sslmode='require' user='u'",
		"postgresql+asyncpg://u@h/db?ssl=prefer&sslmode=prefer":   "dbname='db' host='h' sslmode='prefer' user='u'",
		"postgresql+psycopg://u@h/db?async_fallback=1":            "dbname='db' host='h' user='u'",
		"postgresql://u@/db?host=a:1":                             "dbname='db' host='a' port='1' user='u'",
	} {
		got, _, err := parse(text, newConfig(nil))
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
		"postgresql+asyncpg://u@h/db?ssl=sure":                    "ssl=sure of the connection string should be one of disable, allow",
		"postgresql+asyncpg://u@h/db?ssl=":                        "option ssl of the connection string is empty",
		"postgresql+asyncpg://u@h/db?ssl=disable&sslmode=require": "options ssl=disable and sslmode=require of the connection string should be the same",
		"postgresql://u@h/db?sslmode=sure":                        "sslmode=sure of the connection string should be one of disable, allow",
		"postgresql://u@h/db?channel_binding=yes":                 "channel_binding=yes",
		"postgresql://u@h/db?sslnegotiation=tls":                  "sslnegotiation=tls",
		"postgresql://u@h/db?sslcertmode=no":                      "sslcertmode=no",
		"postgresql://u@h/db?sslsni=true":                         "sslsni=true",
		"postgresql://u@h/db?gssencmode=on":                       "gssencmode=on",
	} {
		if _, _, err := parse(text, newConfig(nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", text, err, want)
		}
	}
}

// Each further option of libpq and SQLAlchemy is ignored by its name, honoured,
// or refused with a reason.
func TestForeignOptions(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	for option, want := range map[string]string{
		"keepalives=0": "", "keepalives_idle=5": "", "keepalives_interval=5": "", "keepalives_count=5": "", "tcp_user_timeout=5": "",
		"plugin=dbcounter": "", "plugin=a&plugin=b": "", "client_encoding=utf8": "", "load_balance_hosts=disable": "", "load_balance_hosts=random": "",
		"fallback_application_name=x": "", "prepare_threshold=0": "", "command_timeout=60": "",

		"load_balance_hosts=always": "load_balance_hosts=always of the connection string should be disable or random",
		"hostaddr=127.0.0.1":        "", "replication=false": "", "replication=": "", "authtype=x": "", "tty=x": "",

		"hostaddr=localhost":      "option hostaddr=localhost of the connection string should be an IP address",
		"hostaddr=127.0.0.1,::1":  "2 addresses in hostaddr for 1 hosts",
		"replication=database":    "option replication of the connection string is not supported",
		"sslkeylogfile=/x":        "option sslkeylogfile of the connection string is not supported",
		"scram_client_key=geheim": "option scram_client_key of the connection string is not supported",
		"scram_server_key=geheim": "option scram_server_key of the connection string is not supported",
		"oauth_issuer=x":          "option oauth_issuer of the connection string is not supported",
		"oauth_client_id=x":       "option oauth_client_id of the connection string is not supported",
		"oauth_client_secret=x":   "option oauth_client_secret of the connection string is not supported",
		"oauth_scope=x":           "option oauth_scope of the connection string is not supported",
	} {
		dataSource, _, err := parse("postgresql://u@h:1/db?"+option, newConfig(nil))
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want an error with %q", option, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", option, err)
			continue
		}
		c, err := parseDataSource(dataSource)
		if name, _, _ := strings.Cut(option, "="); err != nil || c.Host != "h" || c.Port != 1 || c.RuntimeParams[name] != "" {
			t.Errorf("%s: the server would get %q (%v)", option, c.RuntimeParams, err)
		}
	}
}

// A data source or a service file may contain the tuning options, too.
func TestTuningIsNotSentToTheServer(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	c, err := parseDataSource("host=h user=u keepalives=1 keepalives_idle=2 keepalives_interval=3 keepalives_count=4 tcp_user_timeout=5 load_balance_hosts=random fallback_application_name=f search_path=s")
	if err != nil || len(c.RuntimeParams) != 2 || c.RuntimeParams["application_name"] != "f" || c.RuntimeParams["search_path"] != "s" {
		t.Errorf("got %q (%v)", c.RuntimeParams, err)
	}
}

func TestFallbackApplicationName(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	for _, c := range []struct{ options, environment, want string }{
		{"fallback_application_name=f", "", "f"},
		{"fallback_application_name=f&application_name=a", "", "a"},
		{"fallback_application_name=f", "e", "e"},
		{"", "", ""},
	} {
		t.Setenv("PGAPPNAME", c.environment)
		dataSource, _, err := parse("postgresql://u@h/db?"+c.options, newConfig(nil))
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseDataSource(dataSource)
		if err != nil || got.RuntimeParams["application_name"] != c.want {
			t.Errorf("%s: got %q (%v), want %q", c.options, got.RuntimeParams, err, c.want)
		}
	}
}

// load_balance_hosts=random puts each host at each position, with its port.
func TestLoadBalanceHosts(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		got, _, err := parse("postgresql://u@/db?host=a:1&host=b:2&host=c:3&load_balance_hosts=random", newConfig(nil))
		if err != nil {
			t.Fatal(err)
		}
		seen[got] = true
	}
	for _, order := range []string{"a,b,c", "a,c,b", "b,a,c", "b,c,a", "c,a,b", "c,b,a"} {
		ports := strings.NewReplacer("a", "1", "b", "2", "c", "3").Replace(order)
		if want := "dbname='db' host='" + order + "' port='" + ports + "' user='u'"; !seen[want] {
			t.Errorf("%s never came", want)
		}
	}
	if len(seen) != 6 {
		t.Errorf("got %v", seen)
	}
	if _, _, err := parse("postgresql://u@/db?host=a,b,c&port=1,2&load_balance_hosts=random", newConfig(nil)); err == nil || !strings.Contains(err.Error(), "2 ports for 3 hosts") {
		t.Errorf("got %v", err)
	}
}

func TestRebind(t *testing.T) {
	if got := (dialect{}).Rebind("a = ? AND b LIKE '%x%' AND c IN (?, ?)"); got != "a = $1 AND b LIKE '%x%' AND c IN ($2, $3)" {
		t.Errorf("got %s", got)
	}
}

// The driver reads a quoted value as the original value.
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
