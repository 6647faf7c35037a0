package mysql

import (
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
		"mysql:///db": "tcp localhost:3306   db",
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
