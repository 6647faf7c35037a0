package redis

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// said describes the target that a connection string was parsed to.
func said(t *target) string {
	o := t.client
	text := fmt.Sprintf("%s db=%d user=%q password=%q", strings.Join(o.Addrs, " "), o.DB, o.Username, o.Password)
	if o.MasterName != "" {
		text += fmt.Sprintf(" master=%s sentinel=%s:%s", o.MasterName, o.SentinelUsername, o.SentinelPassword)
	}
	for name, on := range map[string]bool{" tls": o.TLSConfig != nil, " cluster": o.IsClusterMode} {
		if on {
			text += name
		}
	}
	if t.timeout != defaultTimeout {
		text += fmt.Sprint(" timeout=", t.timeout)
	}
	return text
}

func TestConnectionStrings(t *testing.T) {
	for text, want := range map[string]string{
		"redis://":                            `localhost:6379 db=0 user="" password=""`,
		"redis://h":                           `h:6379 db=0 user="" password=""`,
		"REDIS://h:1/3":                       `h:1 db=3 user="" password=""`,
		"redis://h?db=4":                      `h:6379 db=4 user="" password=""`,
		"redis://:p%40w@h/1?db=2":             `h:6379 db=2 user="" password="p@w"`,
		"redis://u:a:b@c/d@h:6380":            `h:6380 db=0 user="u" password="a:b@c/d"`,
		"redis://[::1]:6380/0":                `[::1]:6380 db=0 user="" password=""`,
		"redis://[::1]":                       `[::1]:6379 db=0 user="" password=""`,
		"redis://h?username=u&password=p%26w": `h:6379 db=0 user="u" password="p&w"`,
		// As in redis-py, the URL takes precedence over options, but the option
		// db over the path.
		"redis://u:p@h?username=v&password=q":    `h:6379 db=0 user="u" password="p"`,
		"redis://:p@h?username=v&password=q":     `h:6379 db=0 user="v" password="p"`,
		"redis://u@h?username=v&password=q":      `h:6379 db=0 user="u" password="q"`,
		"redis://h/1?db=2&db=2":                  `h:6379 db=2 user="" password=""`,
		"redis://h?socket_timeout=0.1":           `h:6379 db=0 user="" password="" timeout=100ms`,
		"rediss://h":                             `h:6379 db=0 user="" password="" tls`,
		"redis+unix:///run/redis.sock?db=1":      `/run/redis.sock db=1 user="" password=""`,
		"redis+unix://u:p@/run/redis.sock":       `/run/redis.sock db=0 user="u" password="p"`,
		"redis://h1,h2:7/?osp_cluster=yes":       `h1:6379 h2:7 db=0 user="" password="" cluster`,
		"redissentinel://h":                      `h:26379 db=0 user="" password="" master=mymaster sentinel=:`,
		"redissentinel://:pw@h:1,h2,[::1]:3/5":   `h:1 h2:26379 [::1]:3 db=5 user="" password="pw" master=mymaster sentinel=:`,
		"redissentinel://h?sentinel_password=sp": `h:26379 db=0 user="" password="" master=mymaster sentinel=:sp`,
		"redissentinel://h/0?sentinel_service_name=m&sentinel_username=su&osp_tls=yes": `h:26379 db=0 user="" password="" master=m sentinel=su: tls`,
		// the form that kolla writes
		"redis://default:pw@h1:26379?sentinel=kolla&sentinel_fallback=h2:26379&sentinel_fallback=h3:26379&db=0&socket_timeout=60&retry_on_timeout=yes": `h1:26379 h2:26379 h3:26379 db=0 user="default" password="pw" master=kolla sentinel=: timeout=1m0s`,
	} {
		got, err := parse(text, newConfig(nil))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if said(got) != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, said(got), want)
		}
	}
}

const inPassword = `the password contains a "?", which should be written %3F`

func TestWrongConnectionStrings(t *testing.T) {
	for text, want := range map[string]string{
		"redis://h:x":                                          `the host of the connection string should be a host and a port, as in host:6379 or [::1]:6379 (a password ends at an "@"`,
		"redis://h:0":                                          "should be a host and a port",
		"redis://h:70000":                                      "should be a host and a port",
		"redis://::1":                                          "should be a host and a port",
		"redis://h/x":                                          `the database of the connection string should be a number from 0`,
		"redis://h/-1":                                         "should be a number",
		"redis://h?db=x":                                       "should be a whole number",
		"redis://:geheim%@h":                                   "percent sign",
		"redis://:geheim@h?dp=geheim":                          `unknown option "dp"`,
		"redis://h1,h2":                                        "several hosts",
		"redis://h?sentinel_fallback=h2":                       "no master",
		"redis://h?sentinel=m&osp_cluster=yes":                 "one of them",
		"redis://h/1?osp_cluster=yes":                          "database 1",
		"redis://h?osp_cluster=1&osp_replicas=1":               "osp_replicas",
		"redis://h?osp_replicas=-1":                            "osp_replicas",
		"redis://h?socket_timeout=0":                           "socket_timeout",
		"redis://h?socket_timeout=x":                           "socket_timeout",
		"redis://h?osp_ttl=7days":                              "osp_ttl",
		"redis://h?ssl_ca_certs=/x":                            "rediss://",
		"rediss://h?ssl_ca_certs=/no/such":                     `cannot read the authorities of option ssl_ca_certs="/no/such": no such file or directory; it should be a file in PEM form`,
		"rediss://h?ssl_ca_certs=/dev/zero":                    `ssl_ca_certs="/dev/zero": it is no regular file`,
		"rediss://h?ssl_certfile=/dev/zero":                    "open /dev/zero: it is no regular file",
		"rediss://h?ssl_ca_path=/no/such":                      `option ssl_ca_path="/no/such": no such file`,
		"rediss://h?ssl_ca_data=x":                             "option ssl_ca_data holds no certificate",
		"rediss://h?ssl_cert_reqs=maybe":                       "required or none",
		"redis://h?db=1&db=2":                                  "option db of the connection string is repeated",
		"redis://h?password=geheim&password=x":                 "option password of the connection string is repeated",
		"redis://h?sentinel=a&sentinel=b":                      "option sentinel of the connection string is repeated",
		"redis://h?sentinel=a&sentinel_service_name=b":         "name different masters",
		"rediss://h?ssl_cert_reqs=none&ssl_cert_reqs=required": "option ssl_cert_reqs of the connection string is repeated",

		// options for TLS where TLS is not asked for, as in redis-py
		"redis://h?ssl_cert_reqs=required":         "(ssl_cert_reqs)",
		"redis://h?ssl_check_hostname=true":        "(ssl_check_hostname)",
		"redissentinel://h?ssl_cert_reqs=none":     "(ssl_cert_reqs)",
		"redis://h?ssl_certfile=/x&ssl_keyfile=/y": "(ssl_certfile, ssl_keyfile)",
		"redis+unix:///s?ssl_ca_certs=/x":          "which a socket does not speak",
		"redis+unix:///s?osp_tls=yes":              "which a socket does not speak",
		"rediss://h?osp_tls=no":                    "osp_tls=no",
		"rediss://h?ssl_certfile=/no/such":         "ssl_certfile",
		"redis+unix://h":                           "a path from the root",
		"redis+unix:///s?sentinel=m":               "sentinels have hosts",
		"redissentinel://h?sentinel=":              "no master",

		// the "@" was forgotten, escaped, or mistyped
		"redis://:geheim127.0.0.1:6379/0":              "should be a host and a port",
		"redis://u:geheim%40127.0.0.1:6379/0":          "should be a host and a port",
		"redis://u:geheim/127.0.0.1:6379/0":            "should be a host and a port",
		"redis://u:geheim":                             "should be a host and a port",
		"redis://:1/geheim":                            "should be a number from 0",
		"redis://u:geheim 127.0.0.1/0":                 "should be a host and a port",
		"redis://u:geheim;127.0.0.1:1?osp_cluster=yes": "should be a host and a port",
		"redissentinel://:geheim,127.0.0.1/0":          "should be a host and a port",
		"redis+unix://:geheim/tmp/redis.sock":          "a path from the root",

		"redis://u:geheim?geheim@h:1/0":          inPassword,
		"redissentinel://:geheim?geheim@h:1/0":   inPassword,
		"redis+unix://:geheim?geheim@/s":         inPassword,
		"redis://:geheim?@h:6379/0":              inPassword,
		"redis://u:1?geheim@h:1/0":               inPassword,
		"redis://u:1?db=geheim@h:1/0":            inPassword,
		"redis://u:geheim?password=geheim@h:1/0": inPassword,
		"redis://u:a?geheim@h?db=1":              inPassword,
		"redis://h?password=geheim?geheim":       `more than one "?"`,
		"redis:///0?password=geheim?geheim":      `more than one "?"`,
		"redis://h?password=a&geheim=1":          "after a password",
		// kolla's form, misspelled: there is no password behind the "?"
		"redis://default:geheim@h1:26379?sentinel=kolla&sentinel_falback=h2:26379&db=0": `unknown option "sentinel_falback"`,
	} {
		_, err := store.Open(t.Context(), text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error is %v, want one with %q", text, err, want)
		}
	}
}

// Options that only tune redis-py are accepted by name, and have no effect.
func TestTuningOptionsAreIgnored(t *testing.T) {
	plain, err := parse("redis://h/0", newConfig(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, option := range []string{
		"socket_keepalive=True", "socket_keepalive_options=x", "socket_read_size=65536", "health_check_interval=30", "retry_on_error=x",
		"retry_on_timeout=yes", "timeout=20", "client_name=nova", "lib_name=x", "lib_version=1", "protocol=3", "legacy_responses=no",
		"single_connection_client=1", "encoding=utf-8", "encoding_errors=strict", "decode_responses=True",
	} {
		got, err := parse("redis://h/0?"+option, newConfig(nil))
		if err != nil || !reflect.DeepEqual(got, plain) {
			t.Errorf("%s: got %+v (%v), want %+v", option, got, err, plain)
		}
	}
	if _, err := parse("redis://h/0?credential_provider=x", newConfig(nil)); err == nil || !strings.Contains(err.Error(), `unknown option "credential_provider"`) {
		t.Errorf("got %v", err)
	}
}

func TestOptionsReachTheStore(t *testing.T) {
	s, err := store.Open(t.Context(), "redis://h?osp_ttl=1.5&osp_legacy=no&osp_replicas=2&filter_error_trace=yes&socket_timeout=2&socket_connect_timeout=1&max_connections=3", store.WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	got := s.Driver().(*database).config
	want := config{filterErrorTrace: true, readOnly: true, withLegacy: false, ttl: 2 * time.Second, replicas: 2, timeout: 2 * time.Second}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPatterns(t *testing.T) {
	if got, want := startingWith(`a*b?[c]\^-`), `a\*b\?\[c\]\\\^\-*`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzConnectionString(f *testing.F) {
	for _, seed := range []string{"redis://u:p@h:1/2?db=3", "redissentinel://h,h2?sentinel=m", "redis://[::1]:1", "redis+unix:///s", "rediss://h?ssl_cert_reqs=none"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parse(text, newConfig(nil))
		if (got == nil) == (err == nil) && err == nil {
			t.Errorf("%q gives neither a target nor an error", text)
		}
	})
}

func FuzzCursor(f *testing.F) {
	p := position{samples: []sample{sampleOf("osprofiler_opt:a", "x")}}
	p.sums.replace(keyHash("osprofiler_opt:a"), 0, 3)
	f.Add(string(p.cursor()))
	f.Add("redis2:")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseCursor(store.Cursor(text))
		if err != nil || text == "" {
			return
		}
		if again, err := parseCursor(got.cursor()); err != nil || again.cursor() != got.cursor() {
			t.Errorf("%q is read as %v, and that as %v (%v)", text, got, again, err)
		}
	})
}
