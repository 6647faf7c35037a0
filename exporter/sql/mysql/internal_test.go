package mysql

import (
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"mysql://u:p%40w@h/db":                                  "tcp h:3306 u p@w db",
		"mysql+pymysql://u:p@h:3307/db?charset=utf8":            "tcp h:3307 u p db",
		"mysql+mysqldb://u@[::1]/db":                            "tcp [::1]:3306 u  db",
		"mysql+pymysql://u@/db?unix_socket=/run/mysqld/my.sock": "unix /run/mysqld/my.sock u  db",
		"mysql:///db":                        "tcp localhost:3306   db",
		"mysql+pymysql://u@/db?unix_socket=": "tcp localhost:3306 u  db",

		// SQLAlchemy: options win over the URL
		"mysql+pymysql://u:p@h:1/db?user=v&password=q&host=i&port=2&database=e": "tcp i:2 v q e",
		"mysql://u:p@h:1/db?user=v&host=i&port=2":                               "tcp i:2 v p db",
		"mysql+pymysql:///?user=v&password=p%26w&host=i&database=e":             "tcp i:3306 v p&w e",
		"mysql+pymysql://u:p@h/db?user=&password=&host=&database=":              "tcp h:3306 u p db",
		// PyMySQL: passwd and db where nothing else is said
		"mysql+pymysql://u:p@h/db?passwd=q&db=e":                   "tcp h:3306 u p db",
		"mysql+pymysql://u@h/?passwd=q&db=e":                       "tcp h:3306 u q e",
		"mysql+pymysql://u@h/?passwd=q&db=e&password=r&database=f": "tcp h:3306 u r f",
		// mysqlclient: these are what SQLAlchemy makes of the URL
		"mysql+mysqldb://u:p@h/db?passwd=q&db=e": "tcp h:3306 u q e",
		"mysql://u:p@h/db?password=q&database=e": "tcp h:3306 u p db",
		"mysql://u@h/?password=q&database=e":     "tcp h:3306 u q e",
	} {
		c, _, err := parse(text, store.Options{})
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
		if _, _, err := parse(text, store.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error with %q", text, err, want)
		}
	}
	c, opts, err := parse("mysql://h/db?connect_timeout=5&read_timeout=1.5&osp_busy_timeout=1m&osp_read_only", store.Options{})
	if own := newConfig(opts); err != nil || c.Timeout != 5*time.Second || c.ReadTimeout != 1500*time.Millisecond || !own.readOnly || own.busyTimeout != time.Minute {
		t.Errorf("got %+v, %+v (%v)", c, own, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("mysql+pymysql://u:p%40@[::1]:3306/db?charset=utf8&ssl_mode=REQUIRED")
	f.Fuzz(func(t *testing.T, text string) {
		if c, _, err := parse(text, store.Options{}); err == nil && c.Addr == "" && c.Net == "tcp" {
			t.Errorf("%q names no server, but no error came", text)
		}
	})
}
