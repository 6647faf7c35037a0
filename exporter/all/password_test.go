package all_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	_ "github.com/osprofiler-otel/osprofiler/exporter/all"
	"github.com/osprofiler-otel/osprofiler/store"
)

// words are what the passwords of the tests below hold; no error may show one.
var words = []string{"geheim", "QWERTZ", "x7k9v3"}

// drawPassword draws words with any characters between, those above all that
// mean something in a connection string or a text.
func drawPassword(t *rapid.T) string {
	between := rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("?&=@:/%#;, \t\n\"'`<>()[]{}\\+,0A")), 0, 4, -1),
		rapid.SampledFrom([]string{"", "?db=", "&db=", "?osp_sync=", "?password=", "://", " x://", "@h/", "?x@h?db=1&"}),
		rapid.StringN(0, 4, -1),
	)
	var password strings.Builder
	for _, word := range words {
		password.WriteString(between.Draw(t, "between") + word)
	}
	return password.String() + between.Draw(t, "behind")
}

// No error of Open shows a part of the password, whatever the password is and whether it
// is escaped correctly or not.
func TestNoPasswordInErrors(t *testing.T) {
	t.Chdir(t.TempDir()) // for a file whose relative path is drawn
	schemes := append(store.Schemes(), "bogus")
	redis := slices.DeleteFunc(store.Schemes(), func(scheme string) bool { return !strings.HasPrefix(scheme, "redis") })
	rapid.Check(t, func(t *rapid.T) {
		form := rapid.SampledFrom([]string{
			"://user:PW@127.0.0.1:1/0", "://:PW@127.0.0.1:1/0", "://user:PW@127.0.0.1:port/x", "://user:PW@/x",
			"://user:PW@127.0.0.1,127.0.0.2", "://user:PW@127.0.0.1:1/0?osp_colour=red", "://user:1?PW@127.0.0.1:1/0",
			"://user:PW@127.0.0.1:1,127.0.0.2:2/prefix?index_name=Bad", "://user:PW@127.0.0.1:1?ca_certs=/nosuch",
			// options that Redis has
			"://127.0.0.1:1?password=PW", "://127.0.0.1:port/0?password=PW", "://127.0.0.1:1/0?password=PW&osp_colour=red",
			// an option that Elasticsearch has
			"://127.0.0.1:1?osp_api_key=PW", "://127.0.0.1:port/0?osp_api_key=PW", "://127.0.0.1:1/0?osp_api_key=PW&osp_colour=red",
		}).Draw(t, "form")
		among, password := schemes, drawPassword(t)
		if !strings.Contains(form, "@") {
			among = redis
			if strings.Contains(form, "osp_api_key") {
				among = []string{"elasticsearch", "elasticsearch+https", "opensearch", "opensearch+https"}
			}
			password = strings.ReplaceAll(password, "&", "") // which begins the next option
		}
		connectionString := rapid.SampledFrom(among).Draw(t, "scheme") + strings.Replace(form, "PW", password, 1)
		t.Log(connectionString)
		checkNoPassword(t, connectionString)
	})
}

func FuzzNoPasswordInErrors(f *testing.F) {
	f.Add("?", "", 0)
	f.Add(":1/", "?db=1&x@h?", 1)
	f.Add(" ", "\"@", 2)
	schemes := store.Schemes()
	f.Fuzz(func(t *testing.T, before, between string, scheme int) {
		if scheme < 0 {
			t.Skip()
		}
		t.Chdir(t.TempDir())
		checkNoPassword(t, schemes[scheme%len(schemes)]+"://user:"+before+words[0]+between+words[1]+"@127.0.0.1:1/0")
	})
}

type reporter interface {
	Context() context.Context
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

func checkNoPassword(t reporter, connectionString string) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what is drawn for a host is not looked for
	s, err := store.Open(ctx, connectionString, store.WithReadOnly())
	if err == nil {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, word := range words {
		if strings.Contains(err.Error(), word) {
			t.Errorf("%q\nthe error shows %q of the password: %v", connectionString, word, err)
		}
	}
}
