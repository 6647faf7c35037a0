package otlp_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/exporter/otlp"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

func TestConnectionStrings(t *testing.T) {
	headers := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(headers, []byte("# for the cloud\n\nX-Scope-OrgID: cloud\nAuthorization: Bearer of:file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	target := func(protocol, host, path string, change ...func(*otlp.Target)) otlp.Target {
		all := otlp.Target{Protocol: protocol, Host: host, Path: path, Headers: map[string]string{}, Timeout: "10s", MaxMessageSize: 4_000_000}
		for _, f := range change {
			f(&all)
		}
		return all
	}
	for connectionString, want := range map[string]otlp.Target{
		"otlp://collector:4318":                               target("http", "collector:4318", "/v1/traces"), // the Python library's own
		"otlp://collector:4318/":                              target("http", "collector:4318", "/v1/traces"),
		"otlp://collector:4318/base/path":                     target("http", "collector:4318", "/base/path/v1/traces"),
		"otlp://collector:4318/base/v1/traces":                target("http", "collector:4318", "/base/v1/traces"),
		"otlp://collector:4318/v1/traces/":                    target("http", "collector:4318", "/v1/traces"),
		"otlp://collector:4318/a%20b":                         target("http", "collector:4318", "/a b/v1/traces"),
		"otlp://collector":                                    target("http", "collector:4318", "/v1/traces"),
		"otlp://collector:4317":                               target("grpc", "collector:4317", "/v1/traces"),
		"otlp://":                                             target("http", "localhost:4318", "/v1/traces"),
		"otlp://[::1]":                                        target("http", "[::1]:4318", "/v1/traces"),
		"otlp+grpc://[fe80::1]:99":                            target("grpc", "[fe80::1]:99", "/v1/traces"),
		"otlp+grpc://collector":                               target("grpc", "collector:4317", "/v1/traces"),
		"OTLP+GRPC://collector:4318":                          target("grpc", "collector:4318", "/v1/traces"),
		"otlp+http://collector:4317":                          target("http", "collector:4317", "/v1/traces"),
		"otlp+http://:9":                                      target("http", "localhost:9", "/v1/traces"),
		"otlp://user:p%40ss:w@collector:4318":                 target("http", "collector:4318", "/v1/traces", func(t *otlp.Target) { t.Headers["authorization"] = "Basic dXNlcjpwQHNzOnc=" }),
		"otlp+grpc://h?osp_header=A:b&osp_header=c:%20d:e%20": target("grpc", "h:4317", "/v1/traces", func(t *otlp.Target) { t.Headers["a"], t.Headers["c"] = "b", "d:e" }),
		"otlp+grpc://h?osp_headers_file=" + headers + "&osp_header=authorization:mine": target("grpc", "h:4317", "/v1/traces", func(t *otlp.Target) {
			t.Headers["x-scope-orgid"], t.Headers["authorization"] = "cloud", "mine"
		}),
		"otlp+http://h?osp_compression=gzip&osp_timeout=2.5&osp_max_message_size=2048&service_name_prefix=west&osp_join_service": target("http", "h:4318", "/v1/traces", func(t *otlp.Target) {
			t.Gzip, t.Timeout, t.MaxMessageSize, t.Prefix, t.Join = true, "2.5s", 2048, "west", true
		}),
	} {
		got, err := otlp.Parse(connectionString)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v (%v)\nwant %+v", connectionString, got, err, want)
		}
	}
}

func TestBadConnectionStrings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(file, []byte("geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for connectionString, want := range map[string]string{
		"otlp://collector:port":                                   "the port of the connection string should be a number from 1 to 65535",
		"otlp://a b:4318":                                         "the host of the connection string should be a host and a port",
		"otlp+grpc://h:4317/path":                                 `the connection string has the path "path", but gRPC has no path`,
		"otlp://h/%zz":                                            "a percent sign that is no escape",
		"otlp://h?osp_colour=red":                                 `unknown option "osp_colour" of the connection string; this back end knows osp_ca_certs`,
		"otlp://h?osp_timeout=0":                                  "option osp_timeout of the connection string should be more than 0",
		"otlp://h?osp_timeout=soon":                               "option osp_timeout=soon of the connection string should be a time in seconds",
		"otlp://h?osp_compression=zstd":                           "option osp_compression=zstd of the connection string should be gzip or none",
		"otlp://h?osp_max_message_size=10":                        "option osp_max_message_size=10 of the connection string should be a whole number, at least 1024",
		"otlp://h?osp_header=geheim":                              "option osp_header of the connection string should be a name and a value",
		"otlp://h?osp_header=a%20b:geheim":                        "the name of a header cannot be sent",
		"otlp://h?osp_header=a:geh%0Aeim":                         `the value of the header "a" cannot be sent; it should be printable ASCII`,
		"otlp://h?osp_header=grpc-timeout:1":                      `the header "grpc-timeout" belongs to the protocol`,
		"otlp://h?osp_headers_file=/no/such":                      `cannot read the headers of option osp_headers_file="/no/such": no such file or directory`,
		"otlp://h?osp_headers_file=" + file:                       `line 1 of the file "` + file + `" of option osp_headers_file should be "name: value"`,
		"otlp://h?osp_ca_certs=/ca.pem":                           "the connection string has options for TLS (osp_ca_certs), but asks for none; its scheme should be otlp+grpcs or otlp+https",
		"otlp+https://h?osp_ca_certs=/no/such.pem":                `cannot read the authorities of option osp_ca_certs="/no/such.pem"`,
		"otlp+https://h?osp_ca_certs=/ca.pem&osp_verify_certs=no": "osp_ca_certs and osp_verify_certs=no; one of them should be left out",
		"otlp+grpcs://h?osp_client_key=/key.pem":                  "option osp_client_key=/key.pem of the connection string is given without osp_client_cert",
		"otlp://a%3Ab:geheim@h":                                   `the user of the connection string holds a ":"`,
		"otlp://h:4318?osp_header=a:geheim@evil":                  `an option of the connection string contains an "@", which should be written %40`,
		"otlp://u:geheim@x@h":                                     "",
	} {
		_, err := otlp.Open(connectionString)
		if err == nil || !errors.Is(err, store.ErrConnectionString) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s\ngot  %v\nwant %s", connectionString, err, want)
		}
	}
	if masked := connstr.Redact("otlp://h?osp_header=authorization:Bearer%20geheim&osp_timeout=1"); strings.Contains(masked, "geheim") || !strings.Contains(masked, "osp_timeout=1") {
		t.Errorf("a header is shown: %s", masked)
	}
}

// The variables of OpenTelemetry apply where neither the connection string nor an
// option says something else.
func TestEnvironment(t *testing.T) {
	const p, traces = "OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_"
	for name, test := range map[string]struct {
		env                    map[string]string
		connectionString, want string
	}{
		"none":              {nil, "otlp://", "http localhost:4318 /v1/traces"},
		"endpoint":          {map[string]string{p + "ENDPOINT": "http://c:4318/base/"}, "otlp://", "http c:4318 /base/v1/traces"},
		"over TLS":          {map[string]string{p + "ENDPOINT": "https://c"}, "otlp://", "https c:443 /v1/traces"},
		"traces endpoint":   {map[string]string{p + "ENDPOINT": "http://x", traces + "ENDPOINT": "http://c:1/exactly"}, "otlp://", "http c:1 /exactly"},
		"traces root":       {map[string]string{traces + "ENDPOINT": "http://c:1"}, "otlp://", "http c:1 /"},
		"gRPC by protocol":  {map[string]string{p + "ENDPOINT": "https://c:4318", p + "PROTOCOL": "grpc"}, "otlp://", "grpcs c:4318 /v1/traces"},
		"gRPC by port":      {map[string]string{p + "ENDPOINT": "http://c:4317"}, "otlp://", "grpc c:4317 /v1/traces"},
		"HTTP by protocol":  {map[string]string{p + "ENDPOINT": "http://c:4317", p + "PROTOCOL": "http/json"}, "otlp://", "http c:4317 /v1/traces"},
		"without a scheme":  {map[string]string{p + "ENDPOINT": "c:4317", p + "INSECURE": "TRUE"}, "otlp+grpc://", "grpc c:4317 /v1/traces"},
		"secure by default": {map[string]string{p + "ENDPOINT": "c:4317"}, "otlp://", "grpcs c:4317 /v1/traces"},
		"agrees":            {map[string]string{p + "ENDPOINT": "https://c:1"}, "otlp+grpcs://", "grpcs c:1 /v1/traces"},
		"a host wins":       {map[string]string{p + "ENDPOINT": "nonsense", p + "PROTOCOL": "grpc"}, "otlp+http://h", "http h:4318 /v1/traces"},
		"protocol alone":    {map[string]string{p + "PROTOCOL": "grpc"}, "otlp://h", "grpc h:4317 /v1/traces"},
		"empty":             {map[string]string{p + "ENDPOINT": " ", p + "PROTOCOL": "", p + "TIMEOUT": ""}, "otlp://h", "http h:4318 /v1/traces"},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range test.env {
				t.Setenv(key, value)
			}
			got, err := otlp.Parse(test.connectionString)
			if text := got.Protocol + " " + got.Host + " " + got.Path; err != nil || text != test.want {
				t.Errorf("got %s (%v), want %s", text, err, test.want)
			}
		})
	}
}

func TestEnvironmentValues(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "a=1, B=x%20y%3D,c=3")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1500")
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "7")
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	got, err := otlp.Parse("otlp://h?osp_header=C:4", otlp.WithHeaders(map[string]string{"A": "2", "c": "5"}))
	if want := map[string]string{"a": "2", "b": "x y=", "c": "4"}; err != nil || !reflect.DeepEqual(got.Headers, want) || got.Timeout != "1.5s" || !got.Gzip {
		t.Errorf("got %+v (%v), want the headers %v", got, err, want)
	}
	got, err = otlp.Parse("otlp://h?osp_compression=none", otlp.WithTimeout(time.Second))
	if err != nil || got.Timeout != "1s" || got.Gzip {
		t.Errorf("got %+v (%v)", got, err)
	}
}

func TestBadEnvironment(t *testing.T) {
	const p = "OTEL_EXPORTER_OTLP_"
	for _, test := range []struct{ name, value, connectionString, want string }{
		{"TIMEOUT", "1s", "otlp://h", "the environment variable OTEL_EXPORTER_OTLP_TIMEOUT=1s should be a number of milliseconds"},
		{"COMPRESSION", "lz4", "otlp://h", "the environment variable OTEL_EXPORTER_OTLP_COMPRESSION=lz4 should be gzip or none"},
		{"PROTOCOL", "udp", "otlp://h", "the environment variable OTEL_EXPORTER_OTLP_PROTOCOL=udp should be grpc, http/protobuf or http/json"},
		{"HEADERS", "geheim", "otlp://h", "the environment variable OTEL_EXPORTER_OTLP_HEADERS should be a list like name=value"},
		{"HEADERS", "a b=geheim", "otlp://h", "the name of a header cannot be sent"},
		{"ENDPOINT", "ftp://u:geheim@h", "otlp://", "the environment variable OTEL_EXPORTER_OTLP_ENDPOINT should be a URL such as http://collector:4318"},
		{"ENDPOINT", "https://h", "otlp+grpc://", "should agree about TLS"},
		{"CERTIFICATE", "/no/such", "otlp+https://h", `cannot read the authorities of option OTEL_EXPORTER_OTLP_CERTIFICATE="/no/such"`},
		{"INSECURE", "maybe", "otlp://h", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(p+test.name, test.value)
			_, err := otlp.Open(test.connectionString)
			if test.want == "" {
				if err != nil {
					t.Errorf("a variable without effect gives %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// No error shows a part of the password, whatever the password is.
func TestNoPasswordInErrors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scheme := rapid.SampledFrom([]string{"otlp", "otlp+grpc", "otlp+grpcs", "otlp+http", "otlp+https"}).Draw(t, "scheme")
		form := rapid.SampledFrom([]string{
			"://user:PW@127.0.0.1:1", "://user:PW@127.0.0.1:port", "://user:PW@127.0.0.1:1/a?osp_colour=red", "://:PW@h?osp_timeout=x",
			"://h?osp_header=authorization:PW", "://h?osp_header=PW", "://h?osp_header=a:PW&osp_colour=red", "://h:port?osp_header=a:PW",
		}).Draw(t, "form")
		between := rapid.StringOfN(rapid.RuneFrom([]rune("?=@:/%#;, \t\n\"'`<>()[]{}\\+,0A")), 0, 4, -1)
		password := between.Draw(t, "before") + "geheim" + between.Draw(t, "between") + "QWERTZ" + between.Draw(t, "behind")
		_, err := otlp.Open(scheme + strings.Replace(form, "PW", password, 1))
		if text := fmt.Sprint(err); strings.Contains(text, "geheim") || strings.Contains(strings.ToUpper(text), "QWERTZ") {
			t.Errorf("%s with %q: %v", form, password, err)
		}
	})
}

func FuzzConnectionString(f *testing.F) {
	for _, seed := range []string{
		"otlp://h:4318/path", "otlp+grpc://[::1]:4317?osp_header=a:b", "otlp+https://u:p@h/x?osp_compression=gzip&osp_timeout=1", "otlp://", "otlp://[", "otlp+grpcs://h?osp_ca_certs=",
		"otlp://%zz@h", "otlp://h?osp_max_message_size=99999999999999999999",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, connectionString string) {
		e, err := otlp.Open(connectionString)
		if err != nil {
			if !errors.Is(err, store.ErrConnectionString) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q gives %q", connectionString, err)
			}
			return
		}
		if err := e.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
