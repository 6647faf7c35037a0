package sql_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A tlsCase are options of a connection string, and which servers should be
// connected to with them: one whose certificate the authority signed for its
// host, one whose certificate another authority signed, one whose certificate
// the authority signed for another host, and one that has no TLS.
type tlsCase struct {
	options string // CA is the file with the authority
	want    string // y and n, in this order
	python  string // the same of the Python library; "" is want
}

// checkTLS compares with the table to which servers we connect, and to which
// the Python library does. Nowhere may we connect where it does not, unless the
// table says why by its own column.
func checkTLS(t *testing.T, cases []tlsCase, servers []string, files *strings.Replacer) {
	t.Helper()
	var urls []string
	for _, c := range cases {
		for _, at := range servers {
			base, own, _ := strings.Cut(at, "?")
			urls = append(urls, strings.TrimRight(base+"?"+strings.Trim(own+"&"+files.Replace(c.options), "&"), "?"))
		}
	}
	python := pythonConnects(t, urls)
	for i, c := range cases {
		got, theirs := "", ""
		var errs []error
		for _, at := range urls[i*len(servers) : (i+1)*len(servers)] {
			err := connects(t, at)
			got, theirs = got+letter(err == nil), theirs+letter(python[at])
			errs = append(errs, err)
		}
		if got != c.want {
			t.Errorf("%s: connects to %s, want %s: %q", c.options, got, c.want, errs)
		}
		if want := c.python; theirs != want && !(want == "" && theirs == c.want) {
			t.Errorf("%s: the Python library connects to %s, the table says %s", c.options, theirs, want)
		}
	}
}

func letter(yes bool) string {
	if yes {
		return "y"
	}
	return "n"
}

func connects(t *testing.T, at string) error {
	t.Helper()
	s, err := store.Open(t.Context(), at)
	if err != nil {
		if strings.Contains(err.Error(), testenv.Password) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error is %q", at, err)
		}
		return err
	}
	return s.Close()
}

const connectScript = `
import json, sys, warnings, sqlalchemy
warnings.simplefilter("ignore")
def connects(url):
    try:
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
        with engine.connect() as c:
            return c.execute(sqlalchemy.text("SELECT 1")).scalar() == 1
    except Exception:
        return False
print(json.dumps({url: connects(url) for url in json.load(sys.stdin)}))
`

// pythonConnects tells by which URLs SQLAlchemy connects.
func pythonConnects(t *testing.T, urls []string) (connects map[string]bool) {
	t.Helper()
	asked, err := json.Marshal(urls)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testenv.NewPython(t), "-c", connectScript)
	cmd.Env = append(os.Environ(), "HOME="+os.Getenv("HOME"))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(asked), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &connects); err != nil {
		t.Fatal(err)
	}
	return connects
}

// tlsFiles replaces the words of the tables by files.
func tlsFiles(t *testing.T, c testenv.Certificates) *strings.Replacer {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("openssl", "x509", "-hash", "-noout", "-in", c.Authority).Output()
	if err != nil {
		t.Fatal(err)
	}
	copied := func(name string, from ...string) string {
		var all []byte
		for _, path := range from {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text...)
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, all, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return strings.NewReplacer("=CA", "="+c.Authority, "=DIR", "="+filepath.Dir(copied("hashed/"+strings.TrimSpace(string(out))+".0", c.Authority)),
		"=CERT", "="+c.Server, "=KEY", "="+copied("key.pem", c.Key), "=BOTH", "="+copied("both.pem", c.Key, c.Server))
}
