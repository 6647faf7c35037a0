package connstr

import (
	"strings"
	"testing"
)

func TestParseServer(t *testing.T) {
	for _, c := range []struct {
		text string
		want Server
	}{
		{"postgresql://u:p@h:5/db", Server{"u", "p", "h", "db", 5}},
		{"postgresql://u@h/db?x=1", Server{"u", "", "h", "db", 0}},
		{"postgresql://h", Server{"", "", "h", "", 0}},
		{"postgresql:///db", Server{"", "", "", "db", 0}},
		{"mysql+pymysql://us%40er:p%40%2F%3F%25w+d@h/db?charset=utf8", Server{"us@er", "p@/?%w+d", "h", "db", 0}},
		{"mysql://u:p/w?x@h/db", Server{"u", "p/w?x", "h", "db", 0}},
		{"mysql://u:p:w@[::1]:3307/db", Server{"u", "p:w", "::1", "db", 3307}},
		{"mysql://[fe80::1%25eth0]/db", Server{"", "", "fe80::1%eth0", "db", 0}},
		{"postgresql://u:p@%2Frun%2Fpg/db%20x", Server{"u", "p", "/run/pg", "db%20x", 0}},
		{"postgresql://h/db?x=a@b", Server{"", "", "h", "db", 0}},
		{"postgresql:///db?x=a@b", Server{"", "", "", "db", 0}},
		{"postgresql://u:p@h/?host=/run", Server{"u", "p", "h", "", 0}},
	} {
		if got, _, err := ParseServer(c.text); err != nil || got != c.want {
			t.Errorf("%s: got %+v (%v), want %+v", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{"x://u:geheim%@h/db", "x://u%:geheim@h/db", "x://u:ge@heim@h/db", "x://u:ge@h/eim@h/db", "x://u:x@geheim/y@h/db", "x://u:p@h:geheim/db", "x://u:p@h:0/db", "x://u:p@h%/db", "x://u:geheim/db"} {
		if _, _, err := ParseServer(text); err == nil || strings.Contains(err.Error(), "heim") {
			t.Errorf("%s: the error is %v", text, err)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	f.Add("postgresql://u:p%40@[::1]:5432/db?sslmode=require")
	f.Add("mysql://[]:/?")
	f.Fuzz(func(t *testing.T, text string) {
		if s, o, err := ParseServer(text); (err == nil) != (o != nil) && err == nil || s.Port < 0 {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
	})
}
