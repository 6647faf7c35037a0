package connstr_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// settings holds the values of the options that the tests ask for.
type settings struct {
	on      bool
	wait    time.Duration
	size    int
	name    string
	problem string
}

func parse(connectionString string) (rest string, s settings) {
	rest, o := connstr.Cut(connectionString)
	o.Bool("osp_on", &s.on)
	o.Duration("socket_timeout", &s.wait)
	o.Int("es_scroll_size", &s.size, 1)
	o.Text("db_name", &s.name)
	if err := o.Done(); err != nil {
		s.problem = err.Error()
	}
	return rest, s
}

const inPassword = `the password contains a "?", which should be written %3F (or an option of the connection string contains an "@", which should be written %40)`

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		text string
		rest string
		want settings
	}{
		{"x://a", "x://a", settings{}},
		{"x://a?", "x://a", settings{}},
		{"x://a?b?osp_on=1", "x://a?b", settings{on: true}},
		{"x://a?osp_on", "x://a", settings{on: true}},
		{"x://a?osp_on=YES", "x://a", settings{on: true}},
		{"x://a?osp_on=1&osp_on=1", "x://a", settings{on: true}},
		{"x://a?osp_on=1&osp_on=off", "x://a", settings{on: true, problem: "option osp_on of the connection string is repeated with different values; it should be given once"}},
		{"x://a?db_name=geheim&db_name=b", "x://a", settings{name: "geheim", problem: "option db_name of the connection string is repeated with different values; it should be given once"}},
		{"x://a?socket_timeout=1&socket_timeout=2", "x://a", settings{wait: time.Second, problem: "option socket_timeout of the connection string is repeated with different values; it should be given once"}},
		{"x://a?es_scroll_size=1&es_scroll_size=", "x://a", settings{size: 1, problem: "option es_scroll_size of the connection string is repeated with different values; it should be given once"}},
		{"x://a?&socket_timeout=0.1&", "x://a", settings{wait: 100 * time.Millisecond}},
		{"x://a?socket_timeout=60", "x://a", settings{wait: time.Minute}},
		{"x://a?socket_timeout=1m30s", "x://a", settings{wait: 90 * time.Second}},
		{"x://a?es_scroll_size=1", "x://a", settings{size: 1}},
		{"x://a?db_name=a%26b+c", "x://a", settings{name: "a&b c"}},
		{"x://a?osp_on=maybe", "x://a", settings{problem: "option osp_on=maybe of the connection string should be true or false"}},
		{"x://a?socket_timeout=-1", "x://a", settings{problem: "option socket_timeout=-1 of the connection string should be a time in seconds, like 0.5, or with a unit, like 500ms"}},
		{"x://a?es_scroll_size=0", "x://a", settings{problem: "option es_scroll_size=0 of the connection string should be a whole number, at least 1"}},
		{"x://a?db_name=%zz", "x://a", settings{problem: "the options of the connection string hold a percent sign that is no escape; it should be written %25"}},
		{"x://a?typo=1&password=gehe&im=1", "x://a", settings{problem: `unknown option "password", "typo" of the connection string; unknown text after a password (an "&" in a password should be written %26); this back end knows db_name, es_scroll_size, osp_on, socket_timeout`}},
		{"x://u:geh?eim@h:1/0", "x://u:geh", settings{problem: inPassword}},
		{"x://u:geh?eim=x@h", "x://u:geh", settings{problem: inPassword}},
		{"x://u:geh?osp_on=eim@h", "x://u:geh", settings{problem: inPassword}},
		{"x://:geheim?@h", "x://:geheim", settings{problem: inPassword}},
		{"x://u:g@h?%zz@h", "x://u:g@h", settings{problem: inPassword}},
		{"?geh&eim://@h", "", settings{problem: inPassword}}, // options alone
		{"?db_name=a?b&osp_on", "", settings{name: "a?b", on: true}},
		{"x://h?db_name=a@b", "x://h", settings{name: "a@b"}},
		{"x:///a?b@c", "x:///a", settings{problem: `unknown option "b@c" of the connection string; this back end knows db_name, es_scroll_size, osp_on, socket_timeout`}},
		{"x://a?pasword=geheim&typo=1", "x://a", settings{problem: `unknown option "pasword", "typo" of the connection string; this back end knows db_name, es_scroll_size, osp_on, socket_timeout`}},
	} {
		t.Run(c.text, func(t *testing.T) {
			rest, got := parse(c.text)
			if rest != c.rest || got != c.want {
				t.Errorf("got  %q %+v\nwant %q %+v", rest, got, c.rest, c.want)
			}
		})
	}
}

func TestRest(t *testing.T) {
	_, o := connstr.Cut("x://a?osp_on=1&charset=utf8&ssl=true")
	var on bool
	o.Bool("osp_on", &on)
	rest := o.Rest()
	if got := slices.Sorted(maps.Keys(rest)); !slices.Equal(got, []string{"charset", "ssl"}) || rest.Get("charset") != "utf8" {
		t.Errorf("Rest() = %v", rest)
	}
	if err := o.Done(); err != nil {
		t.Errorf("Done() after Rest() = %v", err)
	}
}

func TestRedact(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"redis://user:geheim@h:6379/0", "redis://user:***@h:6379/0"},
		{"redis://:geheim@h", "redis://:***@h"},
		{"cannot reach mongodb://u:ge%40heim@h1,h2/?x=1: no route", "cannot reach mongodb://u:***@h1,h2/?x=1: no route"},
		{"mysql://u:geh@eim/x@h/db", "mysql://u:***@h/db"},
		{`parse "redis://u:geheim@h": bad; "redis://v:geheim@h"`, `parse "redis://u:***@h": bad; "redis://v:***@h"`},
		{"redis://h:6379?sentinel=k&password=geheim&db=0", "redis://h:6379?sentinel=k&password=***&db=0"},
		{"x://h?ssl_keyfile_Password=geheim", "x://h?ssl_keyfile_Password=***"},
		{"x://h?hmac_keys=geheim", "x://h?hmac_keys=***"},
		{"mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:geheim&w=1", "mongodb://h/?authMechanismProperties=***&w=1"},
		{"sqlite:////a@b.db", "sqlite:////a@b.db"},
		{"redis://user@h:6379/0", "redis://user@h:6379/0"},
		{"nothing to hide", "nothing to hide"},
		{"open sqlite://u:ge heim@h/x: no", "open sqlite://u:***@h/x: no"},
		{`open "redis://u:ge'he\"im<@h": no`, `open "redis://u:***@h": no`},
		{"redis://u:ge@he\nim@h", "redis://u:***@h"},
		{"redis://u:ge redis://heim@h", "redis://u:***@h"},
		{"redis://u:ge://heim@h", "redis://u:***@h"},
		{"from redis://u:geheim@h to redis://u:geheim@h2", "from redis://u:***@h to redis://u:***@h2"},
		{"from redis://u@h to redis://:geheim@h2", "from redis://u@h to redis://:***@h2"},
		{"like sqlite:///x.db: not as user@host", "like sqlite:///x.db: not as user@host"},
	} {
		if got := connstr.Redact(c.text); got != c.want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", c.text, got, c.want)
		}
	}
}

// hint is a text marked by Own that reads like a URL with a password.
var hint = connstr.Own("as in test://host:6379/0")

// Redact keeps hints and masks passwords before and after them.
func TestRedactKeepsHints(t *testing.T) {
	for text, want := range map[string]string{
		hint + ` (a password ends at an "@", and so on)`:                      hint + ` (a password ends at an "@", and so on)`,
		"x://u:geheim@h: " + hint + ": y://v:ge@heim@i":                       "x://u:***@h: " + hint + ": y://v:***@i",
		hint + ", " + hint + `; lookup a@b: no`:                               hint + ", " + hint + `; lookup a@b: no`,
		hint + "1:geheim@h":                                                   "as in test://host:***@h",
		hint + "@h":                                                           "as in test://host:***@h",
		hint + "/geheim@h":                                                    "as in test://host:***@h",
		"test://host:6379/0 geheim@h":                                         "test://host:***@h",
		"of x:// and y:// or z:// '" + `: lookup a@b`:                         "of x:// and y:// or z:// '" + `: lookup a@b`,
		"cannot open z://u:ge" + hint + " heim@h: no":                         "cannot open z://u:***@h: no",
		fmt.Sprintf("cannot open %q: no", "z://u:g\"e\n"+hint+" heim@h/\x00"): `cannot open "z://u:***@h/\x00": no`,
	} {
		arguments := []string{"--from", "--to=z://u:ge" + hint + " heim@h", "z://u:g\"e\n" + hint + " heim@h/\x00"}
		if got := connstr.Redact(text, arguments...); got != want {
			t.Errorf("%q\ngot  %q\nwant %q", text, got, want)
		}
	}
}

// The whole password is masked if one connection string begins with another.
func TestRedactOfConnectionStringsThatBeginAlike(t *testing.T) {
	long, short := "x://u:ge@heim@h", "x://u:ge@heim"
	for _, arguments := range [][]string{{"x://", long}, {short, long}, {long, short, "x://"}, {"--from", "=x://"}} {
		if got := connstr.Redact("from "+long+" to "+short+"!", arguments...); strings.Contains(got, "heim@") || strings.Contains(got, "ge@") {
			t.Errorf("%q: got %q", arguments, got)
		}
	}
}

// Redact masks any password and keeps the hints in the sentence around it.
func FuzzRedactAround(f *testing.F) {
	f.Add("user", "geheim", "host")
	f.Add("", "6379/0 (a \"password\" ends at an @://", "h")
	f.Add("u", "a?b%=c", "h")
	f.Fuzz(func(t *testing.T, user, password, host string) {
		if strings.ContainsAny(user+host, " \t\n\v\f\r\"'<>(`@:?&/\\") || strings.Contains(host, "=") || password == "***" {
			t.Skip()
		}
		typed := fmt.Sprintf("redis://%s:%s@%s/0", user, password, host)
		before, after := "osp: cannot open ", ": lookup a:b@c; it should read as in "+hint+` (a password ends at an "@"): lookup a@b: no`
		want := before + fmt.Sprintf("redis://%s:***@%s/0", user, host) + after
		// A password with a secret option in it may reach to the end.
		whole := before + fmt.Sprintf("redis://%s:***", user) + after
		got := connstr.Redact(before+typed+after, "--from="+typed)
		if got != want && (got != whole || !strings.ContainsAny(password, "?&")) {
			t.Errorf("%q\ngot  %q\nwant %q", password, got, want)
		}
	})
}

func FuzzOptions(f *testing.F) {
	f.Add("x://a?osp_on=1&socket_timeout=0.1&es_scroll_size=3&db_name=%41")
	f.Add("redis://u:geheim@h?&&=&a=%zz")
	f.Fuzz(func(t *testing.T, text string) {
		rest, s := parse(text)
		if !strings.HasPrefix(text, rest) {
			t.Errorf("the rest %q is no beginning of %q", rest, text)
		}
		if s.wait < 0 || s.size < 0 {
			t.Errorf("%q gave %+v", text, s)
		}
		connstr.Redact(text)
	})
}

func FuzzRedact(f *testing.F) {
	f.Add("user", "geheim", "host")
	f.Add("", "ge@h \"e'i:m", "host")
	f.Fuzz(func(t *testing.T, user, password, host string) {
		const blanks = " \t\n\v\f\r\"'<>(`"
		if strings.ContainsAny(user+host, blanks+"@:?&/") {
			t.Skip()
		}
		if strings.Contains(password, "://") && strings.ContainsAny(password, blanks) {
			t.Skip() // it may be another URL
		}
		got := connstr.Redact(fmt.Sprintf("dial redis://%s:%s@%s/0 failed", user, password, host))
		if want := fmt.Sprintf("dial redis://%s:***@%s/0 failed", user, host); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestEach(t *testing.T) {
	_, o := connstr.Cut("x://h?a=1&b=2&a=3%26")
	if got := o.Each("a"); len(got) != 2 || got[0] != "1" || got[1] != "3&" {
		t.Errorf("got %q", got)
	}
	if got := o.Each("c"); got != nil {
		t.Errorf("got %q", got)
	}
	if text, _ := o.Take("b"); text != "2" || o.Done() != nil {
		t.Errorf("got %q, %v", text, o.Done())
	}
}

// Rest returns each value of a repeated option.
func TestRestKeepsRepeatedOptions(t *testing.T) {
	_, o := connstr.Cut("x://h?tag=a&tag=b&own=1")
	o.Take("own")
	if got := o.Rest()["tag"]; !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}

// BoolAs, Filled and Refuse follow the rules of a client library.
func TestForeignOptions(t *testing.T) {
	check := func(text string) (on bool, value string, err error) {
		_, o := connstr.Cut(text)
		on = true
		o.BoolAs("check", &on, "0", "no")
		o.Filled("ca", &value)
		o.Refuse("ciphers", "Go chooses them")
		return on, value, o.Done()
	}
	for text, want := range map[string]string{
		"x://h?check=No":       "false  <nil>",
		"x://h?check=t&ca=/f":  "true /f <nil>",
		"x://h?check=off":      "true  option check=off of the connection string should be true or false",
		"x://h?check=":         "true  option check= of the connection string should be true or false",
		"x://h?ca=":            "true  option ca of the connection string is empty; it should have a value, or be left out",
		"x://h?ca=/a&ca=/b":    "true /a option ca of the connection string is repeated with different values; it should be given once",
		"x://h?ciphers=ALL":    "true  option ciphers of the connection string is not supported: Go chooses them",
		"x://h?ca=/a&ca=%2Fa&": "true /a <nil>",
	} {
		if on, value, err := check(text); fmt.Sprint(on, " ", value, " ", err) != want {
			t.Errorf("%s: got  %v %s %v, want %s", text, on, value, err, want)
		}
	}
	_, o := connstr.Cut("x://h?ssl_b=1&ssl_a=1&other=1")
	if got := o.Starting("ssl_"); !slices.Equal(got, []string{"ssl_a", "ssl_b"}) {
		t.Errorf("got %q", got)
	}
}
