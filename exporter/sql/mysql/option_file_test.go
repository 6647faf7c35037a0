package mysql

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// optionFiles writes files, each a name followed by its lines, and returns the
// path of the first one. DIR stands for their folder.
func optionFiles(t *testing.T, named ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, one := range named {
		name, text, _ := strings.Cut(one, "\n")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first, _, _ := strings.Cut(named[0], "\n")
	return filepath.Join(dir, first)
}

// Each case about PyMySQL was checked with PyMySQL's
// pymysql.connections.Connection.
func TestOptionFile(t *testing.T) {
	file := optionFiles(t, "my.cnf\n"+`# comment
[client]
user = "nova"
password='p#w; =1'   
host: db.example
port=3307
database=traces
!includedir DIR/conf.d
[other]
user=other
host=other.example
socket=/run/my.sock
[client-mariadb]
port=3310
`, "conf.d/a.cnf\n[client]\nuser=included # a comment\nhost=included.example\n", "conf.d/b.txt\n[client]\nuser=no\n")
	socket := optionFiles(t, "my.cnf\n[client]\nsocket=/run/my.sock\n")
	for query, want := range map[string]string{
		"mysql+pymysql:///?read_default_file=FILE":                            "tcp db.example:3307 nova p#w; =1 traces",
		"mysql+pymysql://u:p@h:1/db?read_default_file=FILE":                   "tcp h:1 u p db",
		"mysql+pymysql://@/db?read_default_file=FILE&user=v&password=&port=":  "tcp db.example:3307 v p#w; =1 db",
		"mysql+pymysql:///db?read_default_file=FILE&read_default_group=other": "unix /run/my.sock other  db",
		"mysql+pymysql:///db?read_default_file=FILE&read_default_group=none":  "tcp localhost:3306   db",
		"mysql+pymysql:///db?read_default_file=FILE.not&user=u":               "tcp localhost:3306 u  db",
		"mysql+pymysql://u@h/db?read_default_file=SOCKET":                     "unix /run/my.sock u  db",

		// libmysqlclient follows !includedir, and also reads the groups of clients.
		"mysql:///?read_default_file=FILE":                                    "tcp included.example:3310 included p#w; =1 traces",
		"mysql+mysqldb:///db?read_default_file=FILE&read_default_group=other": "tcp other.example:3310 other p#w; =1 db",
		"mysql://u@h/db?read_default_file=SOCKET":                             "tcp h:3306 u  db",
		"mysql://u@/db?read_default_file=SOCKET":                              "unix /run/my.sock u  db",
	} {
		text := strings.NewReplacer("FILE", file, "SOCKET", socket).Replace(query)
		c, _, err := parse(text, newConfig(nil))
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if got := c.Net + " " + c.Addr + " " + c.User + " " + c.Passwd + " " + c.DBName; got != want {
			t.Errorf("%s: got  %q\nwant %q", query, got, want)
		}
	}
}

// The TLS options of an option file are as strict as in a connection string.
func TestOptionFileTLS(t *testing.T) {
	for text, want := range map[string]string{
		"ssl-ca=DIR/no.pem":          "no.pem",
		"ssl_ca = DIR/no.pem":        "no.pem",
		"ssl-mode=VERIFY_CA":         "ssl_mode=VERIFY_CA needs the authorities",
		"ssl-key=DIR/k":              "without ssl_cert",
		"ssl-crl=DIR/x":              "option ssl-crl of the option file",
		"ssl-cipher=AES":             "option ssl-cipher of the option file",
		"ssl-cipher=":                "",
		"ssl-mode=REQUIRED":          "",
		"ssl-verify-server-cert":     "",
		"ssl":                        "",
		"ssl-verify-server-cert=off": "",
		"port=x":                     "port=x",
		"bind-address=eth0":          "bind_address=eth0",
		"bind-address=127.0.0.1\nconnect-timeout=3\nssl=0": "",
	} {
		file := optionFiles(t, "my.cnf\n[client]\n"+text+"\n")
		c, _, err := parse("mysql+pymysql://u@h/db?read_default_file="+file, newConfig(nil))
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", text, err, want)
		case want == "" && strings.HasPrefix(text, "ssl-verify-server-cert") && (c.TLS == nil || c.TLS.InsecureSkipVerify == strings.HasSuffix(text, "cert")):
			t.Errorf("%s: %+v", text, c.TLS)
		case want == "" && (text == "ssl" || text == "ssl-mode=REQUIRED") && (c.TLS == nil || c.AllowFallbackToPlaintext):
			t.Errorf("%s: a connection may go without TLS", text)
		}
	}
}

// A device, a folder and a circle of includes do not make the parser hang.
func TestStrangeOptionFiles(t *testing.T) {
	circle := optionFiles(t, "my.cnf\n!include DIR/my.cnf\n")
	for path, want := range map[string]string{"/dev/zero": "option file", t.TempDir(): "option file", circle: "included by more than"} {
		if _, _, err := parse("mysql://u@h/db?read_default_file="+path, newConfig(nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// Each client reads a value in its own way. The first four rows were tried with
// PyMySQL and the client of MariaDB.
func TestOptionFileValues(t *testing.T) {
	for _, c := range []struct{ line, pyMySQL, library string }{
		{`password="a"b`, `"a"b`, `"a"b`},
		{`password=ab#cd`, `ab#cd`, `ab`},
		{`password="ab\\cd"`, `ab\\cd`, `ab\cd`},
		{`password="a#b"`, `a#b`, `a#b`},
		{`password="a#b" # c "d"`, `a#b" # c "d`, `a#b`},
		{`password='it''s'`, `it''s`, `it''s`},
		{`password="a\"b#c"`, `a\"b#c`, `a"b#c`},
		{`password=a\sb\x`, `a\sb\x`, `a b\x`},
		{`password=`, ``, ``}, {`password="`, `"`, `"`}, {`password`, ``, ``},
	} {
		for want, isLibrary := range map[string]bool{"p" + c.pyMySQL: false, "l" + c.library: true} {
			f := &optionFile{values: map[string]string{}}
			if f.set(c.line, isLibrary); f.values["password"] != want[1:] {
				t.Errorf("%s, libmysqlclient %t: %q, want %q", c.line, isLibrary, f.values["password"], want[1:])
			}
		}
	}
}
