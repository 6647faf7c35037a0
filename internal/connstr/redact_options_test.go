package connstr_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// Redact masks the whole value of a secret option of a typed argument, in plain
// text and in quotes, for any spelling of its name and any characters in its value.
func TestRedactOptionsOfArguments(t *testing.T) {
	for typed, want := range map[string]string{
		"redis://h/0?password=SEC RET":                                     "redis://h/0?password=***",
		`redis://h/0?password=ab"cdSECRET&db=1`:                            "redis://h/0?password=***&db=1",
		"redis://h/0?password=SEC<RET>'`\n":                                "redis://h/0?password=***",
		"redis://h/0?pass%77ord=SECRET":                                    "redis://h/0?pass%77ord=***",
		"redis://h/0?%50ASSWORD=SEC RET&db=0":                              "redis://h/0?%50ASSWORD=***&db=0",
		"redis://h/0?p%zzassword=SECRET":                                   "redis://h/0?p%zzassword=***",
		"redis://h/0?db=1?password=SECRET":                                 "redis://h/0?db=1?password=***",
		"redis://h/0?password=a?b=SECRET":                                  "redis://h/0?password=***",
		"redis://h/0?password=a:b@SECRET":                                  "redis://h/0?password=***",
		"redis://h:1/0?password=a@SECRET":                                  "redis://h:***",
		"redis://u:p@h/0?password=a&b@c:SECRET":                            "redis://u:***",
		"redis://h/0?password=SEC&RET&db=0":                                "redis://h/0?password=***&***&db=0",
		"redis://u:SEC RET@h/0?password=SECRET&db=0":                       "redis://u:***@h/0?password=***&db=0",
		"redis://u:SECRET@h/0?password=SECRET&db=0":                        "redis://u:***@h/0?password=***&db=0",
		"redis:///run/s?sentinel_password=SEC RET":                         "redis:///run/s?sentinel_password=***",
		"mysql://u@h/db?passwd=SEC RET&ssl_ca=/x":                          "mysql://u@h/db?passwd=***&ssl_ca=/x",
		"h/0?password=SEC RET":                                             "h/0?password=***", // the scheme was forgotten
		"messaging://?transport_url=rabbit://u:SEC&a=RET@h/v?x=1&y=2":      "messaging://?transport_url=***@h/v?x=1&y=2",
		"messaging://?transport_url=rabbit://u:SECRET@h,u:p@h2/&y=2":       "messaging://?transport_url=***&y=2",
		"messaging://?x=1&transport_url=rabbit%3A%2F%2Fu%3ASECRET%40h&y=2": "messaging://?x=1&transport_url=***&y=2",
		"rabbit://u:SEC/RET@h,u:SECRET@h2/v?x=1":                           "rabbit://u:***@h2/v?x=1",
		"rabbit://u:SECRET@h,u:SECRET@h2/v?ssl_client_key_password=SECRET": "rabbit://u:***@h2/v?ssl_client_key_password=***",
		"postgresql://u@h/db?options=-c a=b&sslmode=":                      "postgresql://u@h/db?options=-c a=b&sslmode=",
	} {
		for _, argument := range []string{typed, "--connection-string=" + typed} {
			for _, form := range []string{"cannot open %s: no", "cannot open %q: no"} {
				got, want := connstr.Redact(fmt.Sprintf(form, typed), "trace", argument), fmt.Sprintf(form, want)
				if got != want {
					t.Errorf("%q\ngot  %s\nwant %s", argument, got, want)
				}
			}
		}
	}
}

// Names of secret options may have escapes in the text of a client library, too.
func TestRedactEscapedNames(t *testing.T) {
	if got, want := connstr.Redact(`parse "x://h?pass%77ord=SECRET&a=b": no`), `parse "x://h?pass%77ord=***&a=b": no`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Redact shows no part of the value of a secret option.
func FuzzRedactOption(f *testing.F) {
	f.Add("redis://h/0?", "password", "SEC RET", "&db=0")
	f.Add("h?db=1&", "pass%77ord", `ab"cd'`, "")
	f.Add("mysql://u:p@h/d?", "sentinel_passwd", "a:b@c?d=e://", "&a=b")
	f.Fuzz(func(t *testing.T, before, name, password, behind string) {
		host, options, ok := strings.Cut(before, "?")
		switch {
		case !ok || options != "" && !strings.HasSuffix(options, "&"), // the name begins behind "?" or "&"
			strings.Contains(host, "@"), strings.Contains(password, "&"), behind != "" && behind[0] != '&':
			t.Skip()
		}
		switch name {
		case "password", "pass%77ord", "sentinel_passwd", "api_key", "%54oken":
		default:
			t.Skip()
		}
		const mark = "geheim"
		typed := before + name + "=" + mark + password + mark + behind
		if strings.Contains(before+behind, mark) {
			t.Skip()
		}
		for _, form := range []string{"osp: cannot open %s: no", "osp: cannot open %q: no"} {
			if got := connstr.Redact(fmt.Sprintf(form, typed), "show", typed); strings.Contains(got, mark) {
				t.Errorf("%q is shown as %q", typed, got)
			}
		}
	})
}
