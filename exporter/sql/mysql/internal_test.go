package mysql

import (
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"mysql://u:p%40w@h/db":                                  "tcp h:3306 u p@w db",
		"mysql+pymysql://u:p@h:3307/db?charset=utf8":            "tcp h:3307 u p db",
		"mysql+mysqldb://u@[::1]/db":                            "tcp [::1]:3306 u  db",
		"mysql+pymysql://u@/db?unix_socket=/run/mysqld/my.sock": "unix /run/mysqld/my.sock u  db",
		"mysql:///db":                        "tcp localhost:3306   db",
		"mysql+pymysql://u@/db?unix_socket=": "tcp localhost:3306 u  db",

		// SQLAlchemy: options take precedence over the URL.
		"mysql+pymysql://u:p@h:1/db?user=v&password=q&host=i&port=2&database=e": "tcp i:2 v q e",
		"mysql://u:p@h:1/db?user=v&host=i&port=2":                               "tcp i:2 v p db",
		"mysql+pymysql:///?user=v&password=p%26w&host=i&database=e":             "tcp i:3306 v p&w e",
		"mysql+pymysql://u:p@h/db?user=&password=&host=&database=":              "tcp h:3306 u p db",
		// PyMySQL: passwd and db apply only if the new names are missing.
		"mysql+pymysql://u:p@h/db?passwd=q&db=e":                   "tcp h:3306 u p db",
		"mysql+pymysql://u@h/?passwd=q&db=e":                       "tcp h:3306 u q e",
		"mysql+pymysql://u@h/?passwd=q&db=e&password=r&database=f": "tcp h:3306 u r f",
		// mysqlclient: passwd and db are the names that SQLAlchemy uses for the
		// values of the URL.
		"mysql+mysqldb://u:p@h/db?passwd=q&db=e": "tcp h:3306 u q e",
		"mysql://u:p@h/db?password=q&database=e": "tcp h:3306 u p db",
		"mysql://u@h/?password=q&database=e":     "tcp h:3306 u q e",
	} {
		c, _, err := parse(text, newConfig(nil))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := c.Net + " " + c.Addr + " " + c.User + " " + c.Passwd + " " + c.DBName; got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"mysql://h/db?user=u&user=v":         "option user of the connection string is repeated",
		"mysql://h/db?ssl_ca=/a&ssl_ca=/b":   "option ssl_ca of the connection string is repeated",
		"mysql://h/db?ssl_ca=":               "option ssl_ca of the connection string is empty",
		"mysql://h/db?port=65536":            "port=65536",
		"mysql://h/db?port=x":                "port=x",
		"mysql://h/db?ssl_cipher=ALL":        "ssl_cipher of the connection string is not supported",
		"mysql://h/db?ssl_verify_cert=maybe": "ssl_verify_cert=maybe should be true or false",
		"mysql://h/db?ssl_key=/k":            "without ssl_cert",
		// libmysqlclient: "CA certificate is required if ssl-mode is VERIFY_CA or VERIFY_IDENTITY"
		"mysql://h/db?ssl_mode=VERIFY_CA":                                  "ssl_mode=VERIFY_CA needs the authorities to trust",
		"mysql://h/db?ssl_mode=verify_identity":                            "ssl_mode=verify_identity needs the authorities to trust",
		"mysql://h/db?ssl_mode=VERIFY_CA&ssl_verify_identity=true":         "ssl_mode=VERIFY_CA needs the authorities to trust",
		"mysql://h/db?ssl_mode=VERIFY_CA&ssl_cert=/c&ssl_verify_cert=true": "ssl_mode=VERIFY_CA needs the authorities to trust",
	} {
		if _, _, err := parse(text, newConfig(nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", text, err, want)
		}
	}
	c, own, err := parse("mysql://h/db?connect_timeout=5&read_timeout=1.5&osp_busy_timeout=1m&osp_read_only", newConfig(nil))
	if err != nil || c.Timeout != 5*time.Second || c.ReadTimeout != 1500*time.Millisecond || !own.readOnly || own.busyTimeout != time.Minute {
		t.Errorf("got %+v, %+v (%v)", c, own, err)
	}
}

// Each further option of PyMySQL, mysqlclient and SQLAlchemy is ignored by its
// name, honoured, or refused with a reason.
func TestForeignOptions(t *testing.T) {
	const refused = " of the connection string is not supported: "
	for option, want := range map[string]string{
		"autocommit=1": "", "compress=true": "", "program_name=x": "", "max_allowed_packet=16777216": "", "defer_connect=1": "",
		"use_pure=1": "", "pool_size=5": "", "connection_timeout=5": "", "raise_on_warnings=1": "", "echo=1": "",
		"multi_statements=1": "", "reconnect=1": "", "plugin=dbcounter": "", "plugin=a&plugin=b": "", "local_infile=1": "",
		"charset=utf8": "", "use_unicode=0": "", "binary_prefix=1": "", "collation=utf8_bin": "",
		"client_flag=0": "", "client_flag=2": "", "client_flag=65536": "", "client_flag=": "", "bind_address=127.0.0.1": "", "bind_address=": "",

		"init_command=SET SESSION wsrep_sync_wait=1": "", "sql_mode=ANSI_QUOTES": "",
		"read_default_file=/no/such/file": "", "read_default_file=/no/such/file&read_default_group=x": "",

		"named_pipe=1":        "option named_pipe" + refused,
		"server_public_key=x": "option server_public_key" + refused,
		"auth_plugin=x":       "option auth_plugin" + refused,
		"client_flag=2048":    "option client_flag" + refused,
		"client_flag=x":       "option client_flag" + refused,
		"bind_address=eth0":   "option bind_address=eth0 of the connection string should be an IP address",
	} {
		c, _, err := parse("mysql+pymysql://u@h/db?"+option, newConfig(nil))
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", option, err, want)
		case want == "" && (c.AllowAllFiles || c.MultiStatements || c.Addr != "h:3306"):
			t.Errorf("%s: got %+v", option, c)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("mysql+pymysql://u:p%40@[::1]:3306/db?charset=utf8&ssl_mode=REQUIRED")
	f.Fuzz(func(t *testing.T, text string) {
		if c, _, err := parse(text, newConfig(nil)); err == nil && c.Addr == "" && c.Net == "tcp" {
			t.Errorf("%q names no server, but no error came", text)
		}
	})
}
