package main

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

func kafkaTroubles(t *testing.T) ([]trouble, victim) {
	c := testenv.NewCertificates(t, "")
	proxy := testenv.NewProxy(t, testenv.ClosedPort(t))
	plain := testenv.StartKafkaWith(t, testenv.KafkaOptions{Advertised: proxy.Addr()})
	proxy.Switch(plain.Addr())
	secured := testenv.StartKafkaWith(t, testenv.KafkaOptions{Protocol: "SASL_SSL", Certificates: c})
	redis := testenv.StartRedis(t)
	// The timeouts. A server that is busy gets more time than one that does not answer.
	const quick, patient = "osp_timeout=2", "osp_timeout=60"
	of := func(user, password, addr, options string) string {
		return as("kafka", user, password, addr, "/?"+patient+options)
	}
	inVain := func(addr, options string) string {
		return strings.Replace(of("u", secret("wrong"), addr, options), patient, quick, 1)
	}
	ca := func(c testenv.Certificates) string { return "&ssl_cafile=" + url.QueryEscape(c.Authority) }
	const sasl = "&security_protocol=SASL_SSL&sasl_mechanism="
	pw, closed := secret("wrong"), testenv.ClosedPort(t)
	const refused = "of the transport URL or the password"
	fill(t, proxied(proxy))
	fill(t, secured.Kafka())
	good := func(mechanism string) string {
		return of(testenv.User, testenv.Password, secured.Addr(), sasl+mechanism+ca(c))
	}
	troubles := []trouble{
		{name: "wrong password", at: of(testenv.User, pw, secured.Addr(), sasl+"PLAIN"+ca(c)), error: refused},
		{name: "wrong password, SCRAM", at: of(testenv.User, pw, secured.Addr(), sasl+"SCRAM-SHA-256"+ca(c)), error: refused},
		{name: "unknown user", at: of("nobody", pw, secured.Addr(), sasl+"PLAIN"+ca(c)), error: refused},
		{name: "unknown mechanism of the server", at: of(testenv.User, pw, secured.Addr(), sasl+"OAUTHBEARER"+ca(c)), error: "sasl_mechanism"},
		{name: "no SASL where the server has it", at: "kafka://" + secured.Addr() + "/?security_protocol=SSL" + ca(c) + "&" + patient, error: "security_protocol"},
		{name: "unknown authority", at: of(testenv.User, pw, secured.Addr(), sasl+"PLAIN"+ca(testenv.NewCertificates(t, ""))), error: "ssl_cafile"},
		{name: "no TLS where the server has it", at: of(testenv.User, pw, secured.Addr(), "&security_protocol=SASL_PLAINTEXT&sasl_mechanism=PLAIN"), error: "security_protocol"},
		{name: "TLS where the server has none", at: of("u", pw, plain.Addr(), sasl+"PLAIN"+ca(c)), error: "security_protocol"},
		{name: "unknown host", at: inVain("no-such-host.invalid", sasl+"PLAIN"), error: "cannot connect to Kafka at no-such-host.invalid:9092"},
		{name: "refused port", at: inVain(closed, sasl+"PLAIN"), error: "cannot connect to Kafka at " + closed},
		{name: "not a Kafka server", at: inVain(redis.Addr(), "&security_protocol=SASL_PLAINTEXT&sasl_mechanism=PLAIN"), error: "Kafka at " + redis.Addr()},
		{name: "PLAIN", at: good("PLAIN"), reads: true, writes: true},
		{name: "SCRAM", at: good("SCRAM-SHA-512"), reads: true, writes: true},
		{name: "messaging", at: "messaging://?transport_url=" + url.QueryEscape(good("PLAIN")), reads: true, writes: true},
	}
	for i := range troubles {
		troubles[i].refill = func(t *testing.T) {
			t.Helper()
			emptyTopic(t, secured.Kafka(), "profiler.info")
			fill(t, secured.Kafka())
		}
	}
	return troubles, victim{
		server: plain, proxy: proxy, quick: quick, patient: patient,
		at: func(_ *testing.T, addr string) string {
			return "kafka://" + addr + "/?topics=victim&" + quick
		},
		fill: func(t *testing.T) {
			t.Helper()
			at := proxied(proxy) + "?topics=victim"
			emptyTopic(t, proxied(proxy), "victim.info")
			fill(t, at)
			many(t, at)
		},
	}
}

func proxied(proxy *testenv.Proxy) string { return "kafka://" + proxy.Addr() + "/" }

// emptyTopic deletes all messages of a topic that may not exist. The offsets continue.
func emptyTopic(t *testing.T, at, topic string) {
	t.Helper()
	testenv.KafkaAPI(t, at).Do(func(ctx context.Context, c *kadm.Client) error {
		ends, err := c.ListEndOffsets(ctx, topic)
		if err != nil || ends.Error() != nil {
			return err
		}
		_, err = c.DeleteRecords(ctx, ends.Offsets())
		return err
	})
}
