package elasticsearch

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// described returns a text that describes a parsed connection string.
func described(t *target) string {
	text := strings.Join(t.nodes, " ") + t.prefix
	if t.hasUser {
		text += fmt.Sprintf(" user=%q password=%q", t.user, t.password)
	}
	if t.apiKey != "" {
		text += " key=" + t.apiKey
	}
	if t.tls != nil {
		text += " tls"
	}
	usual := newConfig(nil)
	if !reflect.DeepEqual(t.config, usual) {
		text += fmt.Sprintf(" %s %s %s %s %d %s %s failures=%t read-only=%t", t.events, t.errors, t.docType, t.scrollTime, t.scrollSize, t.refresh, t.timeout, t.filterErrorTrace, t.readOnly)
	}
	return text
}

func TestConnectionStrings(t *testing.T) {
	for text, want := range map[string]string{
		"elasticsearch://":                       `localhost:9200`,
		"elasticsearch://h":                      `h:9200`,
		"ELASTICSEARCH://h:1/":                   `h:1`,
		"elasticsearch://[::1]":                  `[::1]:9200`,
		"elasticsearch://[::1]:1,h2,:3":          `[::1]:1 h2:9200 localhost:3`,
		"elasticsearch://h/a/b%20c/":             `h:9200/a/b c`,
		"elasticsearch://u:p%40w@h":              `h:9200 user="u" password="p@w"`,
		"elasticsearch://u:a:b@c/d@h":            `h:9200 user="u" password="a:b@c/d"`,
		"elasticsearch://u@h":                    `h:9200 user="u" password=""`,
		"opensearch://h?osp_api_key=abc%3D%3D":   `h:9200 key=abc==`,
		"elasticsearch+https://h":                `h:9200 tls`,
		"opensearch+https://h?verify_certs=no":   `h:9200 tls`,
		"elasticsearch://h?index_name=x-y":       `h:9200 x-y osprofiler-notifications-error notification 2m 10000 false 30s failures=false read-only=false`,
		"elasticsearch://h?es_doc_type=_doc":     `h:9200 osprofiler-notifications osprofiler-notifications-error _doc 2m 10000 false 30s failures=false read-only=false`,
		"elasticsearch://h?filter_error_trace":   `h:9200 osprofiler-notifications osprofiler-notifications-error notification 2m 10000 false 30s failures=true read-only=false`,
		"elasticsearch://h?osp_refresh=wait_for": `h:9200 osprofiler-notifications osprofiler-notifications-error notification 2m 10000 wait_for 30s failures=false read-only=false`,
		"elasticsearch://h?es_scroll_time=1m&es_scroll_size=7&osp_timeout=0.5&osp_read_only=yes&osp_error_index_name=e": `h:9200 osprofiler-notifications e notification 1m 7 false 500ms failures=false read-only=true`,
	} {
		got, err := parse(text, newConfig(nil))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if described(got) != want {
			t.Errorf("%s\nis read as %s\n    want    %s", text, described(got), want)
		}
	}
}

func TestConnectionStringsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"elasticsearch://h:port":                                "host and a port",
		"elasticsearch://h:0":                                   "host and a port",
		"elasticsearch://[::1":                                  "host and a port",
		"elasticsearch://::1":                                   "host and a port",
		"elasticsearch://u:%zz@h":                               "should be written %25",
		"elasticsearch://h/%zz":                                 "should be written %25",
		"elasticsearch://h?index_name=A":                        "option index_name=A of the connection string should be the name of one index",
		"elasticsearch://h?index_name=a,b":                      "should be the name of one index",
		"elasticsearch://h?index_name=a*":                       "should be the name of one index",
		"elasticsearch://h?index_name=":                         "index_name",
		"elasticsearch://h?osp_error_index_name=_all":           "option osp_error_index_name=_all",
		"elasticsearch://h?index_name=a&index_name=b":           "index_name",
		"elasticsearch://h?index_name=a&osp_error_index_name=a": "two indices",
		"elasticsearch://h?es_doc_type=_x":                      "should be a mapping type of Elasticsearch 7",
		"elasticsearch://h?es_scroll_size=0":                    "es_scroll_size",
		"elasticsearch://h?osp_timeout=0":                       "should be more than 0",
		"elasticsearch://h?osp_refresh=maybe":                   "option osp_refresh=maybe of the connection string should be false, wait_for or true",
		"elasticsearch://u:p@h?osp_api_key=k":                   "a user and an API key",
		"elasticsearch://h?ca_certs=/nosuch":                    "its scheme should end with +https",
		"elasticsearch://h?ssl_assert_hostname=no":              "its scheme should end with +https",
		"elasticsearch+https://h?ca_certs=/nosuch":              "/nosuch",
		"elasticsearch+https://h?ssl_assert_fingerprint=aa":     "ssl_assert_fingerprint",
		"elasticsearch+https://h?ca_certs=/x&verify_certs=no":   "one of them should be left out",
		"elasticsearch://h?osp_colour=red":                      "osp_colour",
		"elasticsearch://h?a?b":                                 "more than one",
	} {
		_, err := Open(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
		if !errors.Is(err, store.ErrConnectionString) {
			t.Errorf("%s: no ErrConnectionString", text)
		}
	}
}

// The options for TLS select the authority, the certificate of the client, and whether the host is checked.
func TestTLSOptions(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	for options, names := range map[string]bool{"": true, "&ssl_assert_hostname=no": false, "&client_cert=" + c.Server + "&client_key=" + c.Key: true} {
		got, err := parse("opensearch+https://h?ca_certs="+c.Authority+options, newConfig(nil))
		if err != nil {
			t.Fatal(err)
		}
		if got.tls.RootCAs == nil || got.tls.InsecureSkipVerify == names {
			t.Errorf("%q: %+v", options, got.tls)
		}
	}
}

func FuzzConnectionString(f *testing.F) {
	for _, text := range []string{"elasticsearch://u:p@h1:1,[::1]:2/p?index_name=x", "opensearch+https://?osp_api_key=k&osp_timeout=1m", "elasticsearch://h?ssl_show_warn=no"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parse(text, newConfig(nil))
		if err != nil {
			return
		}
		if len(got.nodes) == 0 || slices.Contains(got.nodes, "") || !isIndexName(got.events) || !isIndexName(got.errors) {
			t.Errorf("%q: %+v", text, got)
		}
		if _, err := got.cluster(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
