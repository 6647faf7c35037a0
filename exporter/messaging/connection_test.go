package messaging

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// withFakeBrokers replaces both brokers by fakes until the test is over.
func withFakeBrokers(t testing.TB) (opened *bus.Config) {
	opened = &bus.Config{}
	before := map[string]func(bus.Config, *connstr.Options) (bus.Bus, error){}
	for _, broker := range []string{brokerRabbitMQ, brokerKafka} {
		before[broker] = brokers[broker]
		brokers[broker] = func(c bus.Config, o *connstr.Options) (bus.Bus, error) {
			o.Ignore("amqp_durable_queues", "sasl_mechanism")
			*opened = c
			return &fakeBus{config: c}, nil
		}
	}
	t.Cleanup(func() {
		for broker, open := range before {
			brokers[broker] = open
		}
	})
	return opened
}

func TestOpenConnectionString(t *testing.T) {
	opened := withFakeBrokers(t)
	rabbit := func(text string) string {
		return text + ` [{u p&q h 5672}] "v" [openstack] [profiler.info] "" 5s false`
	}
	for _, c := range []struct{ text, want string }{
		{"rabbit://u:p&q@h/v", rabbit("1s 10000")},
		{"messaging://?transport_url=rabbit://u:p&q@h/v", rabbit("1s 10000")},
		{"messaging:///?transport_url=rabbit%3A%2F%2Fu%3Ap%26q%40h%2Fv", rabbit("1s 10000")},
		{"messaging://?idle_timeout=2&transport_url=rabbit%3A%2F%2Fu%3Ap%26q%40h%2Fv%3Famqp_durable_queues%3Dtrue&osp_peek=5", rabbit("2s 5")},
		{"messaging://?idle_timeout=2&transport_url=rabbit://u:p&q@h/v?amqp_durable_queues=true&osp_peek=5", rabbit("2s 5")},
		{"messaging://?transport_url=rabbit://u:p&q@h/v&idle_timeout=0.5", rabbit("500ms 10000")},
		{"MESSAGING://?transport_url=rabbit://h&idle_timeout=3", `3s 10000 [{guest guest h 5672}] "/" [openstack] [profiler.info] "" 5s false`},
		{"rabbit://h?topics=a,b&topics=c&control_exchange=nova,keystone&osp_queue=q&osp_timeout=1", `1s 10000 [{guest guest h 5672}] "/" [nova keystone] [a.info b.info c.info] "q" 1s false`},
		{"rabbit://h?ssl=&ssl_ca_file&topics=&osp_peek=7&idle_timeout=0", `1s 7 [{guest guest h 5672}] "/" [openstack] [profiler.info] "" 5s false`},
		{"rabbit://h?ssl=true", `1s 10000 [{guest guest h 5672}] "/" [openstack] [profiler.info] "" 5s true`},
		{"amqps://h", `1s 10000 [{guest guest h 5671}] "/" [openstack] [profiler.info] "" 5s true`},
		{"kafka://h/v", `1s 10000 [{  h 9092}] "v" [openstack] [profiler.info.v] "osprofiler" 5s false`},
		{"kafka://h?consumer_group=g&security_protocol=SASL_SSL", `1s 10000 [{  h 9092}] "" [openstack] [profiler.info] "g" 5s true`},
	} {
		s, err := store.Open(t.Context(), c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		m := s.Driver().(*messages)
		got := fmt.Sprintf("%v %d %v %q %v %v %q %v %v", m.idleTimeout, m.peek, opened.Servers, opened.VirtualHost, opened.Exchanges, opened.Topics, opened.Queue, opened.Timeout, opened.TLS != nil)
		if got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestOptions(t *testing.T) {
	opened := withFakeBrokers(t)
	s, err := Open("messaging", WithTransportURL("kafka://h"), WithTopics("x", "y"), WithQueue("g"), WithTimeout(time.Second), WithIdleTimeout(time.Minute), WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	m := s.Driver().(*messages)
	if !slices.Equal(opened.Topics, []string{"x.info", "y.info"}) || opened.Queue != "g" || opened.Timeout != time.Second || m.idleTimeout != time.Minute || !s.IsReadOnly() {
		t.Errorf("got %+v, %+v", opened, m.config)
	}
	if _, err := s.Consume(t.Context()); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "opened for reading only") {
		t.Errorf("consuming: %v", err)
	}
	s, err = Open("rabbit://h?osp_context_user=u&osp_context_auth_token=t", WithContext(map[string]string{"user": "x", "a": "b"}), WithControlExchange("nova"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Driver().(*messages).context, opened.Exchanges); got != "[{a b} {user u}] [nova]" {
		t.Errorf("got %s", got)
	}
}

// No error shows a part of the password "geheim".
func TestOpenErrors(t *testing.T) {
	withFakeBrokers(t)
	for text, want := range map[string]string{
		"messaging":    "messaging:// names no broker: add the option transport_url, as in messaging://?transport_url=rabbit://user:password@host:5672/ (in a Go program, messaging.WithTransportURL; for \"osp trace show\", --transport-url)",
		"messaging://": "names no broker",
		"messaging://?transport_url=&idle_timeout=1":                              "names no broker",
		"messaging://u:geheim@h":                                                  "messaging:// takes no host",
		"messaging://?transport_url=rabbit://h&transport_url=rabbit://i":          "transport_url twice",
		"messaging://?transport_url=redis://u:geheim@h":                           `driver "redis" of the transport URL is not supported`,
		"rabbit://u:geheim@h?nonsense=1":                                          `unknown option "nonsense"`,
		"rabbit://u:geheim@h?osp_timeout=0":                                       "osp_timeout of the connection string should be more than 0",
		"rabbit://u:geheim@h?osp_peek=0":                                          "osp_peek=0",
		"rabbit://u:geheim@h?ssl_ca_file=/x":                                      "options for TLS (ssl_ca_file), but asks for none; it should have the option ssl=true",
		"rabbit://u:geheim@h?ssl=1&ssl_version=SSLv3":                             "ssl_version=SSLv3",
		"rabbit://u:geheim@h?ssl=1&ssl_enforce_fips_mode=true":                    "GODEBUG=fips140=on",
		"rabbit://u:geheim@h?ssl=1&osp_tls_verify=some":                           "should be host, chain or none",
		"amqps://u:geheim@h?ssl=false":                                            "begins with amqps, but has the option ssl=false",
		"rabbit://u:geheim@h?ssl=1&ssl_ca_file=/nowhere":                          "/nowhere",
		"kafka://u:geheim@h?security_protocol=TLS":                                "should be PLAINTEXT, SASL_PLAINTEXT, SSL or SASL_SSL",
		"kafka://u:geheim@h?ssl_cafile=/x":                                        "security_protocol=SSL or SASL_SSL",
		"kafka://u:geheim@h?consumer_group=a&osp_queue=b":                         "both name the consumer group",
		"rabbit://u:geheim@h?osp_queue=profiler.info":                             `osp_queue of the connection string should not be "profiler.info"`,
		"rabbit://u:geheim@h?osp_queue=notifications.error":                       `should not be "notifications.error"`,
		"rabbit://u:geheim@h?topics=a.b&osp_queue=a.b.info":                       "readers share",
		"rabbit://u:geheim@h/v?x=geh@eim":                                         "%40",
		"kafka://u:geheim@h?security_protocol=SSL&ssl_client_key_password=geheim": "without a key to decrypt",
	} {
		_, err := store.Open(t.Context(), text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") || !errors.Is(err, store.ErrConnectionString) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
		if err != nil && connstr.Redact(err.Error()) != err.Error() {
			t.Errorf("the command shows %s", connstr.Redact(err.Error()))
		}
	}
}

func FuzzOpen(f *testing.F) {
	withFakeBrokers(f)
	f.Add("messaging://?transport_url=rabbit://u:p&q@h/v?ssl=true&idle_timeout=2")
	f.Add("messaging://?transport_url=kafka%3A%2F%2Fh&topics=a")
	f.Add("messaging://?a&transport_url=x://?&transport_url=://@&")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := Open(text); err == nil {
			_ = s.Close()
		}
	})
}
