package loginsight_test

import (
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/exporter/loginsight"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
)

// Connection strings are read by the rules of Python's driver.
func TestConnectionString(t *testing.T) {
	for _, c := range []struct{ text, name string }{
		{"loginsight://u:p@host", "Log Insight at host"},
		{"LOGINSIGHT://u:p@host", "Log Insight at host"},
		{"loginsight://u:p@10.1.2.3", "Log Insight at 10.1.2.3"},
		{"loginsight://u:p@::1", "Log Insight at [::1]"},
		{"loginsight://u:p@[::1]", "Log Insight at [::1]"},
		{"loginsight://u:p@[::1]?api_port=9001", "Log Insight at [::1]"},
		{"loginsight://u:@host", "Log Insight at host"},
		{"loginsight://:@host", "Log Insight at host"},
		{"loginsight://u:p@host/ignored/path?osp_read_only=yes", "Log Insight at host"},
		{"loginsight://u:p@host#ignored", "Log Insight at host"},
		{"loginsight://u%zz:p%@host", "Log Insight at host"},
		{"loginsight://u:p@host?api_port=80&api_ssl_port=443&query_timeout=1000&osp_timeout=5&osp_provider=vIDM&filter_error_trace=yes", "Log Insight at host"},
		{"loginsight://u:p@host?osp_python_transport&osp_verify_certs=no&osp_plain_ingestion=yes", "Log Insight at host"},
	} {
		if name := open(t, c.text).Name(); name != c.name {
			t.Errorf("%s is %s, want %s", c.text, name, c.name)
		}
	}
}

func TestBadConnectionStrings(t *testing.T) {
	for text, want := range map[string]string{
		"loginsight://host":                                                      "should read like loginsight://user:password@host; in the user and the password",
		"loginsight://user@host":                                                 "should read like loginsight://user:password@host",
		"loginsight://user:geheim:geheim@host":                                   `":"`,
		"loginsight://user:geheim@geheim@host":                                   `"@"`,
		"loginsight://user:geheim/geheim@host":                                   "should read like",
		"loginsight://user:geheim?geheim@host":                                   "should read like",
		"loginsight://user:geheim@host:9543":                                     "a name or an address without a port",
		"loginsight://user:geheim@[::1]:9543":                                    "without a port",
		"loginsight://user:geheim@":                                              "a name or an address without a port",
		"loginsight://user:geheim@ho st":                                         "a name or an address without a port",
		"loginsight://user:geheim@host?api_port=0":                               "api_port",
		"loginsight://user:geheim@host?api_port=x":                               "api_port",
		"loginsight://user:geheim@host?api_ssl_port=65536":                       "numbers from 1 to 65535",
		"loginsight://user:geheim@host?query_timeout=0":                          "query_timeout",
		"loginsight://user:geheim@host?osp_timeout=0":                            "osp_timeout of the connection string should be more than 0",
		"loginsight://user:geheim@host?osp_provider=local":                       "should be Local, ActiveDirectory or vIDM",
		"loginsight://user:geheim@host?osp_ca_certs=":                            "osp_ca_certs",
		"loginsight://user:geheim@host?osp_ca_certs=/no/file":                    `osp_ca_certs="/no/file"`,
		"loginsight://user:geheim@host?osp_ca_certs=/f&osp_verify_certs=no":      "one of them should be left out",
		"loginsight://user:geheim@host?osp_ca_certs=/f&osp_python_transport=yes": "one of them should be left out",
		"loginsight://user:geheim@host?osp_client_key=/no/file":                  "osp_client_key",
		"loginsight://user:geheim@host?verify=no":                                "osp_verify_certs",
	} {
		s, err := loginsight.Open(text)
		if err == nil {
			_ = s.Close()
			t.Errorf("%s is accepted", text)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// The user and the password are decoded as by Python's driver.
func TestCredentials(t *testing.T) {
	for escaped, plain := range map[string]string{
		"p%40ss%3aw": "p@ss:w", "100%": "100%", "%zz%4": "%zz%4", "a+b": "a+b", "%C5%BC": "ż", "%FF": "\uFFFD", "%FF%FE": "\uFFFD\uFFFD", "ż": "ż", "": "",
	} {
		server := loginsightserver.New(t)
		server.SetPassword(plain)
		s := open(t, "loginsight://"+loginsightserver.Username+":"+escaped+"@"+server.Host+"?osp_ca_certs="+server.CAFile)
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", escaped, err)
		}
	}
}

func TestProvider(t *testing.T) {
	server := loginsightserver.New(t)
	if err := open(t, server.URL()+"&osp_provider=Local").Ping(t.Context()); err != nil {
		t.Error(err)
	}
	server.Inject(loginsightserver.Fault{Path: "/sessions", Status: 400, Text: `{"errorMessage": "provider is missing"}`}) // as the reference has it
	server.Requests()
	if err := open(t, server.URL()).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if body := server.Requests()[1].Body; !strings.HasSuffix(body, `, "provider": "Local"}`) {
		t.Errorf("sent %s", body)
	}
	if err := open(t, server.URL()+"&osp_provider=vIDM").Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "refuses the user or the password") {
		t.Errorf("got %v", err)
	}
}
