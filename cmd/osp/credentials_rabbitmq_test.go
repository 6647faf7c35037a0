package main

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// rabbitURL returns the connection string of a user and a virtual host.
func rabbitURL(user, password, addr, virtualHost, options string) string {
	return as("rabbit", user, password, addr, "/"+url.PathEscape(virtualHost)+options)
}

// startRabbitMQ starts a server with more users, and with more virtual hosts.
func startRabbitMQ(t *testing.T) *testenv.Server {
	t.Helper()
	server := testenv.StartRabbitMQ(t)
	guest := testenv.RabbitMQAPI(t, server.RabbitMQ())
	for _, user := range []string{"special", "writer", "reader", "norole"} {
		guest.AddUser(user, secret(user))
	}
	for _, host := range []string{"good", "spoiled", "victim", "closed"} {
		guest.Do(http.MethodPut, "/api/vhosts/"+host, nil, nil)
		view := testenv.RabbitMQAPI(t, server.RabbitMQ()+host)
		view.Permit("guest", ".*", ".*", ".*")
		if host == "closed" {
			continue
		}
		view.Permit("special", ".*", ".*", ".*")
		view.Permit("writer", ".*", ".*", "^$")
		view.Permit("reader", "^$", "^$", ".*")
		view.Permit("norole", "^$", "^$", "^$")
	}
	fill(t, server.RabbitMQ()+"good")
	fill(t, server.RabbitMQ()+"spoiled")
	spoiled := testenv.RabbitMQAPI(t, server.RabbitMQ()+"spoiled")
	spoiled.Publish("", "profiler.info", []byte("no JSON"), testenv.RabbitMQProperties{ContentType: "application/json"})
	spoiled.Publish("", "profiler.info", []byte(`{"event_type": "compute.instance.create.end", "priority": "INFO", "payload": {}}`), testenv.RabbitMQProperties{ContentType: "application/json"})
	return server
}

func rabbitMQTroubles(t *testing.T) ([]trouble, victim) {
	server := startRabbitMQ(t)
	c := testenv.NewCertificates(t, "")
	encrypted := testenv.StartRabbitMQTLS(t, c)
	redis := testenv.StartRedis(t)
	const quick, patient = "osp_timeout=2", "osp_timeout=60"
	of := func(user, virtualHost string) string {
		return rabbitURL(user, secret(user), server.Addr(), virtualHost, "")
	}
	pw, closed := secret("wrong"), testenv.ClosedPort(t)
	tls := func(options string) string { return rabbitURL("guest", pw, encrypted.Addr(), "", "?"+patient+options) }
	const refused, rights = "refuses the user or the password of the connection string", "rights"
	troubles := []trouble{
		{name: "wrong password", at: rabbitURL("reader", pw, server.Addr(), "good", ""), error: refused},
		{name: "unknown user", at: rabbitURL("nobody", pw, server.Addr(), "good", ""), error: refused},
		{name: "no credentials", at: "rabbit://" + server.Addr() + "/closed-to-guest", error: "closed-to-guest"},
		{name: "unknown virtual host", at: of("special", "nosuch"), error: `"nosuch"`},
		{name: "no right to the virtual host", at: of("special", "closed"), error: `"closed"`},
		{name: "no right to write", at: of("reader", "good"), error: rights, reads: true},
		{name: "no right to read", at: of("writer", "good"), error: rights, writes: true},
		{name: "no rights", at: of("norole", "good"), error: rights},
		{name: "unknown authority", at: tls("&ssl=true&ssl_ca_file=" + url.QueryEscape(testenv.NewCertificates(t, "").Authority)), error: "ssl_ca_file"},
		{name: "no TLS where the server has it", at: tls(""), error: "ssl"},
		{name: "TLS where the server has none", at: of("special", "good") + "?ssl=true&" + patient, error: "TLS"},
		{name: "unknown host", at: rabbitURL("u", pw, "no-such-host.invalid", "", ""), error: "cannot connect to RabbitMQ at no-such-host.invalid:5672"},
		{name: "refused port", at: rabbitURL("u", pw, closed, "", ""), error: "cannot connect to RabbitMQ at " + closed},
		{name: "not a RabbitMQ server", at: rabbitURL("u", pw, redis.Addr(), "", "?"+quick), error: "RabbitMQ at " + redis.Addr()},
		{name: "foreign messages among ours", at: of("special", "spoiled"), reads: true, writes: true, damage: "skipped ", error: "rabbit"},
		{name: "special characters", at: of("special", "good"), reads: true, writes: true},
		{name: "messaging", at: "messaging://?transport_url=" + url.QueryEscape(of("special", "good")), reads: true, writes: true},
		{name: "messaging, not encoded", at: "messaging://?transport_url=" + of("special", "good"), reads: true, writes: true},
		{name: "first server down", at: rabbitURL("special", secret("special"), closed+",special:"+url.QueryEscape(secret("special"))+"@"+server.Addr(), "good", ""), reads: true, writes: true},
	}
	for i := range troubles {
		host := "good"
		if troubles[i].damage != "" {
			host = "spoiled"
		}
		troubles[i].refill = func(t *testing.T) {
			t.Helper()
			fill(t, server.RabbitMQ()+host)
		}
	}
	return troubles, victim{server: server, quick: quick, patient: patient,
		at: func(_ *testing.T, addr string) string {
			return rabbitURL("special", secret("special"), addr, "victim", "?"+quick)
		},
		fill: func(t *testing.T) {
			t.Helper()
			view, at := testenv.RabbitMQAPI(t, server.RabbitMQ()+"victim"), server.RabbitMQ()+"victim"
			if _, exists := view.Queues()["profiler.info"]; exists {
				view.Delete("profiler.info")
			}
			fill(t, at)
			many(t, at)
		},
	}
}
