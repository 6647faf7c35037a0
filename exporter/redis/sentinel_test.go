package redis_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Passwords that contain characters with a meaning in a URL: the passwords of
// the master, of its users, and of the sentinels.
const (
	masterPassword   = "m@:/?&%+#1"
	sentinelPassword = "s@:/?&%+#2"
)

// roundTrip writes and reads through a connection string, and returns the
// number of the server's database that has the trace.
func roundTrip(t *testing.T, at string, master *testenv.Server, password string) (db string) {
	t.Helper()
	s, err := store.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	id := osprofiler.NewID()
	write(t, s, event(id, 1), event(id, 2))
	if got, _ := collect(t, s.Notifications(t.Context(), id)); len(got) != 2 {
		t.Errorf("%s: read %v", at, got)
	}
	if got, _ := collect(t, s.Traces(t.Context(), store.Query{Limit: 1})); len(got) != 1 {
		t.Errorf("%s: listed %v", at, got)
	}
	for _, db := range []string{"0", "5"} {
		there := bare(t, "redis://:"+url.QueryEscape(password)+"@"+master.Addr()+"/"+db).LLen(t.Context(), "osprofiler_opt:"+id).Val()
		if there == 2 {
			return db
		}
	}
	return "no database"
}

// The master has a password and a user with few rights, the sentinels have
// another password, and the first sentinel is down. Every form of the
// connection string finds the master and the database.
func TestSentinelsWithPasswords(t *testing.T) {
	t.Parallel()
	master := testenv.StartRedis(t, "--requirepass", masterPassword)
	admin := bare(t, "redis://:"+url.QueryEscape(masterPassword)+"@"+master.Addr())
	if err := admin.Do(t.Context(), "ACL", "SETUSER", "osp", "on", ">u@:/3", "~osprofiler*", "-@all",
		"+lpush", "+set", "+scan", "+llen", "+lrange", "+lindex", "+get", "+select").Err(); err != nil {
		t.Fatal(err)
	}
	first := testenv.StartSentinel(t, testenv.SentinelOf{Master: master.Addr(), MasterPassword: masterPassword, Password: sentinelPassword})
	second := testenv.StartSentinel(t, testenv.SentinelOf{Master: master.Addr(), MasterPassword: masterPassword, Password: sentinelPassword})
	pw, sentinelPW := url.QueryEscape(masterPassword), "sentinel_password="+url.QueryEscape(sentinelPassword)
	forms := map[string]string{
		// the form that kolla writes, whose sentinels have no passwords, with
		// the password of these sentinels
		"redis://default:" + pw + "@FIRST?sentinel=mymaster&sentinel_fallback=SECOND&db=0&socket_timeout=60&retry_on_timeout=yes&" + sentinelPW: "0",
		"redis://default:" + pw + "@FIRST?sentinel=mymaster&sentinel_fallback=SECOND&db=5&" + sentinelPW:                                        "5",
		"redissentinel://:" + pw + "@FIRST,SECOND/5?" + sentinelPW:                                                                              "5",
		"redissentinel://:" + pw + "@FIRST,SECOND/0?sentinel_service_name=mymaster&" + sentinelPW:                                               "0",
		"redissentinel://osp:" + url.QueryEscape("u@:/3") + "@FIRST,SECOND?db=5&" + sentinelPW:                                                  "5",
	}
	for _, down := range []bool{false, true} {
		if down {
			first.Kill()
		}
		for form, want := range forms {
			at := strings.NewReplacer("FIRST", first.Addr(), "SECOND", second.Addr()).Replace(form)
			if got := roundTrip(t, at, master, masterPassword); got != want {
				t.Errorf("%s, the first sentinel down: %v: the trace is in %s", form, down, got)
			}
		}
	}
}

// Kolla's connection string works literally where sentinels have no password.
func TestKollasConnectionString(t *testing.T) {
	master := testenv.StartRedis(t, "--requirepass", "pw")
	var hosts []any
	for range 3 {
		hosts = append(hosts, testenv.StartSentinel(t, testenv.SentinelOf{Master: master.Addr(), MasterPassword: "pw", Name: "kolla"}).Addr())
	}
	at := "redis://default:pw@H1?sentinel=kolla&sentinel_fallback=H2&sentinel_fallback=H3&db=0&socket_timeout=60&retry_on_timeout=yes"
	for i, name := range []string{"H1", "H2", "H3"} {
		at = strings.Replace(at, name, hosts[i].(string), 1)
	}
	if got := roundTrip(t, at, master, "pw"); got != "0" {
		t.Errorf("the trace is in %s", got)
	}
}

// The options for TLS apply to the sentinel and to the master that it names.
func TestSentinelWithTLS(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	master := testenv.StartRedisTLS(t, c, "--requirepass", "pw")
	sentinel := testenv.StartSentinel(t, testenv.SentinelOf{Master: master.Addr(), MasterPassword: "pw", Password: "spw", TLS: &c})
	s := open(t, "redissentinel://:pw@"+sentinel.Addr()+"/5?sentinel_password=spw&osp_tls=yes&ssl_ca_certs="+c.Authority)
	write(t, s, event("x", 1))
	direct := open(t, "rediss://:pw@"+master.Addr()+"/5?ssl_ca_certs="+c.Authority)
	if got, _ := collect(t, direct.Notifications(t.Context(), "x")); len(got) != 1 {
		t.Errorf("the master has %v", got)
	}
}

// The certificates of the sentinel and of the master that it names are both
// verified, each for its own host.
func TestSentinelAndMasterAreVerified(t *testing.T) {
	t.Parallel()
	own, other := testenv.NewCertificates(t, ""), testenv.NewCertificates(t, "")
	for name, c := range map[string]struct {
		sentinel, master testenv.Certificates
		options          string
		connects         bool
	}{
		"both are right":                        {own, own, "", true},
		"foreign sentinel":                      {other, own, "", false},
		"foreign master":                        {own, other, "", false},
		"foreign master, optional":              {own, other, "&ssl_cert_reqs=optional", false},
		"sentinel of another host":              {own.OfOtherHost(), own, "", false},
		"master of another host":                {own, own.OfOtherHost(), "", false},
		"master of another host, not checked":   {own, own.OfOtherHost(), "&ssl_check_hostname=no", true},
		"both are foreign, and nobody verifies": {other, other, "&ssl_cert_reqs=none", true},
	} {
		t.Run(name, func(t *testing.T) {
			master := testenv.StartRedisTLS(t, c.master)
			sentinel := testenv.StartSentinel(t, testenv.SentinelOf{Master: master.Addr(), TLS: &c.sentinel})
			err := ping(t, "redissentinel://"+sentinel.Addr()+"/0?osp_tls=yes&ssl_ca_certs="+own.Authority+c.options)
			if (err == nil) != c.connects {
				t.Errorf("connects should be %v: %v", c.connects, err)
			}
		})
	}
}

// A server that asks for a client certificate receives it.
func TestClientCertificate(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	at := "rediss://" + testenv.StartRedisTLS(t, c, "--tls-auth-clients", "yes").Addr() + "/0?ssl_ca_certs=" + c.Authority
	if err := ping(t, at); err == nil {
		t.Error("connected without a certificate")
	}
	if err := ping(t, at+"&ssl_certfile="+c.Server+"&ssl_keyfile="+c.Key); err != nil {
		t.Error(err)
	}
}
