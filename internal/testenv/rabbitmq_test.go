package testenv

import (
	"slices"
	"testing"
)

func TestRabbitMQAPIOfAConnectionString(t *testing.T) {
	managements.set("10.0.0.9:5672", "http://10.0.0.9:1234")
	for location, want := range map[string]*rabbitMQAPI{
		"rabbit://u:p%40@10.0.0.1:5672/a%2Fb":                         {bases: []string{"http://10.0.0.1:15672"}, user: "u", password: "p@", virtualHost: "a/b"},
		"rabbit://u:p@10.0.0.1/":                                      {bases: []string{"http://10.0.0.1:15672"}, user: "u", password: "p", virtualHost: "/"},
		"rabbit://u:p@10.0.0.1:5672,u:p@10.0.0.9:5672/v":              {bases: []string{"http://10.0.0.1:15672", "http://10.0.0.9:1234"}, user: "u", password: "p", virtualHost: "v"},
		"rabbit://u:p@10.0.0.2:5672/?ssl=1&management=https://m:443/": {bases: []string{"https://m:443"}, user: "u", password: "p", virtualHost: "/"},
	} {
		got, err := newRabbitMQAPI(location)
		if err != nil {
			t.Fatal(location, err)
		}
		if !slices.Equal(got.bases, want.bases) || got.user != want.user || got.password != want.password || got.virtualHost != want.virtualHost {
			t.Errorf("%s: %+v", location, got)
		}
	}
	for _, location := range []string{"rabbit", "rabbit://h/%zz", "rabbit://h/?a=%zz"} {
		if _, err := newRabbitMQAPI(location); err == nil {
			t.Errorf("%s has no problem", location)
		}
	}
}

func TestInVirtualHost(t *testing.T) {
	for location, want := range map[string]string{
		"rabbit://u:p@h:1/?management=http://h:2":       "rabbit://u:p@h:1/v",
		"rabbit://u:p@h:1,u:p@i:1/x?management=m&ssl=1": "rabbit://u:p@h:1,u:p@i:1/v?ssl=1",
		"kafka://h:9092": "kafka://h:9092/v",
		"kafka://h:9092/?security_protocol=SSL&ssl=2&a=b": "kafka://h:9092/v?security_protocol=SSL&ssl=2&a=b",
	} {
		if got := inVirtualHost(location, "v"); got != want {
			t.Errorf("%s becomes %s; want %s", location, got, want)
		}
	}
}
