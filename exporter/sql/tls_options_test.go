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
)

// A tlsCase contains options of a connection string, and says to which servers
// they should connect: a server whose certificate the authority signed for its
// host, one whose certificate another authority signed, one whose certificate
// the authority signed for another host, and one that has no TLS.
type tlsCase struct {
	options string // CA is the file with the authority
	want    string // y and n, in this order
	python  string // the same for the Python library; "": as want, "?": not compared
}

// checkTLS compares with the table to which servers we connect, and to which
// servers the Python library connects. We must not connect where the Python
// library does not, unless the table has a column of its own for the Python
// library there.
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
		if want := c.python; theirs != want && want != "?" && !(want == "" && theirs == c.want) {
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
	s, err := openAt(t.Context(), at)
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

// pythonConnects reports by which URLs SQLAlchemy connects.
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

// tlsFiles returns a replacer that turns the words of the tables into files.
func tlsFiles(t *testing.T, c testenv.Certificates) *strings.Replacer {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("openssl", "x509", "-hash", "-noout", "-in", c.Authority).Output()
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	copyFile(t, c.Authority, in("hashed/"+strings.TrimSpace(string(out))+".0"), 0o600)
	copyFile(t, c.Key, in("key.pem"), 0o600)
	copyFile(t, c.Key, in("open.pem"), 0o644)
	both, err := os.ReadFile(c.Server)
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, c.Key, in("both.pem"), 0o600)
	f, err := os.OpenFile(in("both.pem"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(both); err != nil {
		t.Fatal(err)
	}
	f.Close()
	return strings.NewReplacer("=CA", "="+c.Authority, "=DIR", "="+in("hashed"), "=CERT", "="+c.Server,
		"=KEY", "="+in("key.pem"), "=OPEN", "="+in("open.pem"), "=BOTH", "="+in("both.pem"))
}

// copyFile copies a file, and makes the folder of the copy.
func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, mode); err != nil {
		t.Fatal(err)
	}
}
