package messaging

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
)

func TestParseTransport(t *testing.T) {
	guest := func(host, port string) bus.Server {
		return bus.Server{User: "guest", Password: "guest", Host: host, Port: port}
	}
	for _, c := range []struct {
		url, broker, virtualHost, options string
		servers                           []bus.Server
	}{
		{"rabbit://", brokerRabbitMQ, "/", "", []bus.Server{guest("localhost", "5672")}},
		{"rabbit://h", brokerRabbitMQ, "/", "", []bus.Server{guest("h", "5672")}},
		{"rabbit:///v", brokerRabbitMQ, "v", "", []bus.Server{guest("localhost", "5672")}},
		{"RABBIT://h:0/", brokerRabbitMQ, "/", "", []bus.Server{guest("h", "5672")}},
		{"rabbit://h//", brokerRabbitMQ, "/", "", []bus.Server{guest("h", "5672")}},
		{"rabbit://h/%2Fv%zz?ssl=1&x=a/b", brokerRabbitMQ, "/v%zz", "?ssl=1&x=a/b", []bus.Server{guest("h", "5672")}},
		{"rabbit://h?ssl=1", brokerRabbitMQ, "/", "?ssl=1", []bus.Server{guest("h", "5672")}},
		{"kombu+amqp://u:p@h:1/", brokerRabbitMQ, "/", "", []bus.Server{{User: "u", Password: "p", Host: "h", Port: "1"}}},
		{"rabbit+pyamqp://u@h/", brokerRabbitMQ, "/", "", []bus.Server{{User: "u", Password: "guest", Host: "h", Port: "5672"}}},
		{"kombu+amqps://h", brokerRabbitMQ, "/", "", []bus.Server{guest("h", "5672")}},
		{"amqps://h", brokerRabbitMQ, "/", "", []bus.Server{guest("h", "5671")}},
		{"rabbit://a@b:p%40%3a%C5%BC+&=$@h:7/", brokerRabbitMQ, "/", "", []bus.Server{{User: "a@b", Password: "p@:ż+&=$", Host: "h", Port: "7"}}},
		{"rabbit://u:100%@h", brokerRabbitMQ, "/", "", []bus.Server{{User: "u", Password: "100%", Host: "h", Port: "5672"}}},
		{"rabbit://u:a:b@h", brokerRabbitMQ, "/", "", []bus.Server{{User: "u", Password: "a:b", Host: "h", Port: "5672"}}},
		{"rabbit://u:p@h1,,h2:3,v:q@[::1]:4,::2/w", brokerRabbitMQ, "w", "", []bus.Server{
			{User: "u", Password: "p", Host: "h1", Port: "5672"}, guest("h2", "3"),
			{User: "v", Password: "q", Host: "::1", Port: "4"}, guest("::2", "5672"),
		}},
		{"kafka://h1,u:p@h2:1/v?a", brokerKafka, "v", "?a", []bus.Server{{Host: "h1", Port: "9092"}, {User: "u", Password: "p", Host: "h2", Port: "1"}}},
	} {
		got, options, err := parseTransport(c.url)
		if err != nil || got.broker != c.broker || got.virtualHost != c.virtualHost || options != c.options || fmt.Sprint(got.servers) != fmt.Sprint(c.servers) {
			t.Errorf("%s\ngot  %+v %q %v\nwant %+v", c.url, got, options, err, c)
		}
	}
}

// No error shows a part of the password "geheim".
func TestParseTransportErrors(t *testing.T) {
	for url, want := range map[string]string{
		"":                          "should begin with a driver",
		"rabbit:geheim@h":           "should begin with a driver",
		"fake://":                   `driver "fake" of the transport URL is not supported`,
		"u:geheim@h://":             "driver (not shown) of the transport URL is not supported",
		"kombu+memory://":           `driver "kombu+memory" of the transport URL is not supported`,
		"kafka:///":                 "names no host",
		"rabbit://u:geheim":         "a host and a port",
		"rabbit://u:geh/eim@h":      "should be written %2F",
		"rabbit://u:geh?eim@h":      "should be written %2F",
		"rabbit://u:geh#eim@h":      "should be written %23",
		"rabbit://u:geh,eim@h":      "a host and a port",
		"rabbit://u:p@h1,v:ge/h@h2": "should be written %2F",
		"rabbit://[::1":             "a host and a port",
		"rabbit://[::1]1":           "a host and a port",
		"rabbit://h:":               "a host and a port",
		"rabbit://h:65536":          "a host and a port",
		"rabbit://u:p@ge heim/":     "a host and a port",
	} {
		_, _, err := parseTransport(url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geh") || strings.Contains(err.Error(), "eim") {
			t.Errorf("%s: got %v, want %s", url, err, want)
		}
	}
}

func FuzzParseTransport(f *testing.F) {
	for _, url := range []string{
		"rabbit://u:p@h:5672,v:q@[::1]:5672/vhost?ssl=true", "kombu+amqp://h//", "kafka://u:p@h1,h2/v?consumer_group=g",
		"rabbit://u:100%@h/%2F", "rabbit://::1", "rabbit://,@:,/?#",
	} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		got, options, err := parseTransport(url)
		if err != nil {
			return
		}
		if len(got.servers) == 0 || got.broker == "" || options != "" && options[0] != '?' {
			t.Errorf("%q gave %+v, %q", url, got, options)
		}
		for _, s := range got.servers {
			if s.Host == "" || s.Port == "" || strings.ContainsAny(s.Host, " @/?#[]") {
				t.Errorf("%q gave the server %+v", url, s)
			}
		}
		if got.broker == brokerRabbitMQ && got.virtualHost == "" {
			t.Errorf("%q has no virtual host", url)
		}
	})
}
