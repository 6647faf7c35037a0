package connstr

import (
	"strings"
	"testing"
)

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"host": "host:9200", "host:1": "host:1", ":65535": "localhost:65535", "": "localhost:9200",
		"[::1]": "[::1]:9200", "[::1]:80": "[::1]:80", "[fe80::1%eth0]:80": "[fe80::1%eth0]:80",
		"host:": "", "host:0": "", "host:65536": "", "host:-1": "", "host:port": "", "::1": "", "[::1": "", "::1]": "", "::1]:80": "",
		"a b": "", `a\b`: "", "a\"b": "", "a\nb:80": "",
	} {
		if got, ok := Address(text, "localhost", "9200"); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", text, got, ok, want)
		}
	}
	if got, ok := Address(":80", "", "9200"); ok {
		t.Errorf("a host that is missing: got %q", got)
	}
}

func TestCredentials(t *testing.T) {
	for text, want := range map[string][2]string{
		"": {"", ""}, "user": {"user", ""}, "user:": {"user", ""}, ":pass": {"", "pass"}, "a%3Ab:c:d%40": {"a:b", "c:d@"},
	} {
		user, password, err := Credentials(text)
		if got := [2]string{user, password}; got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"us%er:geheim", "user:geheim%zz"} {
		if _, _, err := Credentials(text); err == nil || !strings.HasSuffix(err.Error(), "should be written %25") || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
