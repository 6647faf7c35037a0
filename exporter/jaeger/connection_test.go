package jaeger

import (
	"errors"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/store"
	"github.com/osprofiler-otel/osprofiler/tags"
)

func TestOpen(t *testing.T) {
	for connectionString, want := range map[string]string{
		"jaeger://127.0.0.1":                      "Jaeger at 127.0.0.1:6831 (UDP)",
		"jaeger://agent.local:6832":               "Jaeger at agent.local:6832 (UDP)",
		"JAEGER://[::1]":                          "Jaeger at [::1]:6831 (UDP)",
		"jaeger://[::1]:7?filter_error_trace=yes": "Jaeger at [::1]:7 (UDP)",
		"jaeger+http://h":                         "Jaeger at h:14268",
		"jaeger+https://user:p%40w@h:443/path":    "Jaeger at h:443",
	} {
		e, err := Open(connectionString)
		if err != nil {
			t.Errorf("%s: %v", connectionString, err)
			continue
		}
		if e.Name() != want {
			t.Errorf("%s opens %s", connectionString, e.Name())
		}
		_ = e.Shutdown(t.Context())
	}
	e := open(t, "jaeger://h?service_name_prefix=west&osp_join_service=yes&osp_max_message_size=5000&osp_pause=20ms", WithServiceNamePrefix("east"), WithPause(time.Hour))
	if e.naming.Prefix != "west" || !e.naming.Join || e.maxMessageSize != 5000 || e.pause != 20*time.Millisecond {
		t.Errorf("the options are %+v", e.config)
	}
	e = open(t, "jaeger+http://h", WithTimeout(-1), WithMaxMessageSize(1))
	if e.timeout != defaultTimeout || e.maxMessageSize != leastMessageSize {
		t.Errorf("the options are %+v", e.config)
	}
}

// A wrong connection string is refused with a sentence that says what would be right,
// and shows no secret.
func TestOpenRefuses(t *testing.T) {
	for connectionString, want := range map[string]string{
		"jaeger://":                                            "should name one host, and read like jaeger://host:6831",
		"jaeger+http://:14268":                                 "should name one host",
		"jaeger://a,b":                                         "should name one host",
		"jaeger+tcp://h":                                       "should read like jaeger://host:6831",
		"redis://h":                                            "should read like jaeger://host:6831",
		"jaeger://h:99999":                                     "should be a number from 1 to 65535",
		"jaeger://user:secret@h":                               "UDP has no accounts",
		"jaeger://h/api":                                       "sends by UDP",
		"jaeger://h?osp_token=secret":                          "option osp_token of the connection string is not supported",
		"jaeger://h?osp_max_message_size=65001":                "should be at most 65000",
		"jaeger://h?osp_max_message_size=100":                  "at least 4096",
		"jaeger://h?osp_pause=fast":                            "osp_pause=fast",
		"jaeger+http://h?osp_pause=1":                          "osp_pause of the connection string is not supported",
		"jaeger+http://h?unknown=secret":                       `unknown option "unknown"`,
		"jaeger+http://h?osp_timeout=0":                        "osp_timeout of the connection string should be more than 0",
		"jaeger+http://h?osp_verify_certs=no":                  "should be jaeger+https",
		"jaeger+http://h?osp_ca_certs=/x":                      "should be jaeger+https",
		"jaeger+https://h?osp_ca_certs=/no/such":               `cannot read the authorities of option osp_ca_certs="/no/such"`,
		"jaeger+https://h?osp_client_key=/x":                   "without osp_client_cert",
		"jaeger+https://h?osp_ca_certs=/x&osp_verify_certs=no": "one of them should be left out",
		"jaeger+https://user:secret@h?osp_token=secret2":       "has a user and a token",
		"jaeger+https://h?osp_token=sec%0Aret":                 "visible ASCII characters",
		"jaeger+https://us%3Aer:secret@h":                      `should have no ":"`,
		"jaeger+https://user:sec%ret@h":                        "should be written %25",
		"jaeger+https://user:sec@ret@h":                        "should be written %40",
		"jaeger+https://h?osp_ca_certs=&osp_client_cert=/cert": "is empty",
	} {
		e, err := Open(connectionString)
		if err == nil {
			t.Errorf("%s opens %s", connectionString, e.Name())
			continue
		}
		if !errors.Is(err, store.ErrConnectionString) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", connectionString, err)
		}
	}
	if _, err := Open("jaeger://h", WithToken("secret")); err == nil || !strings.Contains(err.Error(), "have no effect on UDP") {
		t.Error(err)
	}
	if _, err := Open("jaeger+https://user:x@h", WithToken("secret")); err == nil {
		t.Error("a user and a token are taken")
	}
}

// exporter.Open opens the sink, with its options.
func TestSink(t *testing.T) {
	a := listen(t)
	e, err := exporter.Open(t.Context(), " "+a.url()+"\n", exporter.WithServiceNamePrefix("west"), exporter.WithRedaction(tags.Redaction{DBParams: true}))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Shutdown(t.Context())
	spans := notifications("db", `{"host": "h", "db": {"statement": "SELECT 1", "params": {"password": "hidden"}}}`, `{"host": "h"}`)
	if err := e.ExportSpans(t.Context(), spans); err != nil {
		t.Fatal(err)
	}
	b := a.read(1)[0]
	if b.Process.ServiceName != "west-nova-api" || tagValue(b.Process.Tags, "osprofiler.service") != "api" || tagValue(b.Process.Tags, "host.name") != "h" {
		t.Errorf("the process is %s with\n%s", b.Process.ServiceName, texts(b.Process.Tags))
	}
	if got := texts(b.Spans[0].Tags); strings.Contains(got, "hidden") || !strings.Contains(got, "SELECT 1") {
		t.Errorf("the tags are\n%s", got)
	}
	if _, err := exporter.Open(t.Context(), "jaeger://"); !errors.Is(err, store.ErrConnectionString) {
		t.Error(err)
	}
	if err := e.ExportSpans(t.Context(), []sdktrace.ReadOnlySpan{nil, (&convert.Span{}).Snapshot()}); err != nil {
		t.Error(err)
	}
	if got := a.read(1)[0]; got.Process.ServiceName != "unknown_service" {
		t.Errorf("a span without anything is of %q", got.Process.ServiceName)
	}
}
