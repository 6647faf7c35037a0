package redis_test

import (
	"bytes"
	"encoding/json"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A tlsCase contains options of a connection string, and says to which servers
// they should connect: a server whose certificate the authority signed for its
// host, a server whose certificate another authority signed, and a server whose
// certificate the authority signed for another host.
type tlsCase struct {
	options                   string // CA is the file with the authority
	right, foreign, otherHost bool
	stricter                  bool // redis-py connects to more
}

// The meaning of each value is that of redis-py: the class SSLConnection and
// the function to_bool in redis/connection.py of redis 8.1. In a client,
// ssl.CERT_OPTIONAL means CERT_REQUIRED, according to the page of Python's ssl
// module.
var tlsCases = []tlsCase{
	{options: "ssl_ca_certs=CA", right: true},
	{options: "", right: false},
	{options: "ssl_ca_certs=CA&ssl_cert_reqs=required", right: true},
	{options: "ssl_ca_certs=CA&ssl_cert_reqs=optional", right: true},
	{options: "ssl_ca_certs=CA&ssl_cert_reqs=optional&ssl_check_hostname=false", right: true, otherHost: true},
	{options: "ssl_cert_reqs=optional"},
	{options: "ssl_ca_certs=CA&ssl_cert_reqs=none", right: true, foreign: true, otherHost: true},
	{options: "ssl_ca_certs=CA&ssl_cert_reqs=none&ssl_check_hostname=true", right: true, foreign: true, otherHost: true},
	{options: "ssl_ca_certs=CA&ssl_cert_reqs=None"},
	{options: "ssl_ca_certs=CA&ssl_cert_reqs=OPTIONAL"},
	{options: "ssl_ca_certs=CA&ssl_cert_reqs=CERT_NONE"},
	{options: "ssl_ca_certs=CA&ssl_cert_reqs=CERT_REQUIRED"},
	{options: "ssl_ca_certs=CA&ssl_cert_reqs=0"},
	{options: "ssl_ca_certs=CA&ssl_cert_reqs=", stricter: true},
	{options: "ssl_ca_certs=CA&ssl_check_hostname=True", right: true},
	{options: "ssl_ca_certs=CA&ssl_check_hostname=yes", right: true},
	{options: "ssl_ca_certs=CA&ssl_check_hostname=1", right: true},
	{options: "ssl_ca_certs=CA&ssl_check_hostname=False", right: true, otherHost: true},
	{options: "ssl_ca_certs=CA&ssl_check_hostname=NO", right: true, otherHost: true},
	{options: "ssl_ca_certs=CA&ssl_check_hostname=n", right: true, otherHost: true},
	{options: "ssl_ca_certs=CA&ssl_check_hostname=0", right: true, otherHost: true},
	{options: "ssl_ca_certs=CA&ssl_check_hostname=off", stricter: true}, // redis-py reads "off" as true
	{options: "ssl_ca_certs=CA&ssl_check_hostname=", stricter: true},
	{options: "ssl_check_hostname=no"},
	{options: "ssl_ca_data=DATA", right: true},
	{options: "ssl_ca_path=DIR", right: true},
	{options: "ssl_ca_path=UNHASHED"},
	{options: "ssl_ca_certs=", stricter: true},
	{options: "ssl_ca_certs=CA&ssl_min_version=771", right: true},
	{options: "ssl_ca_certs=CA&ssl_min_version=772", right: true},
	{options: "ssl_ca_certs=CA&ssl_min_version=770", right: true},
	{options: "ssl_ca_certs=CA&ssl_min_version=TLSv1_2"},
	{options: "ssl_ca_certs=CA&ssl_ciphers=ECDHE-ECDSA-AES128-GCM-SHA256", stricter: true},
	{options: "ssl_ca_certs=CA&ssl_include_verify_flags=VERIFY_X509_STRICT", stricter: true},
	{options: "ssl_ca_certs=CA&ssl_exclude_verify_flags=VERIFY_X509_STRICT", stricter: true},
	{options: "ssl_ca_certs=CA&ssl_validate_ocsp=true", stricter: true},
	{options: "ssl_ca_certs=CA&ssl_certfile=CERT&ssl_keyfile=KEY", right: true},
	{options: "ssl_ca_certs=CA&ssl_certfile=BOTH", right: true},
	{options: "ssl_ca_certs=CA&ssl_certfile=CERT&ssl_keyfile=LOCKED&ssl_password=p%20w", right: true},
	{options: "ssl_ca_certs=CA&ssl_certfile=CERT&ssl_keyfile=LOCKED&ssl_password=wrong"},
	{options: "ssl_ca_certs=CA&ssl_certfile=CERT"},
	{options: "ssl_ca_certs=CA&ssl_keyfile=KEY"},
}

// Each value of each TLS option connects to the same servers as in redis-py, or
// to fewer where the table says so.
func TestTLSOptions(t *testing.T) {
	own, other := testenv.NewCertificates(t, ""), testenv.NewCertificates(t, "")
	addrs := []string{
		testenv.StartRedisTLS(t, own).Addr(),
		testenv.StartRedisTLS(t, other).Addr(),
		testenv.StartRedisTLS(t, own.OfOtherHost()).Addr(),
	}
	files := tlsFiles(t, own)
	var urls []string
	for _, c := range tlsCases {
		for _, addr := range addrs {
			urls = append(urls, "rediss://"+addr+"/0?"+files.Replace(c.options))
		}
	}
	python := pythonConnects(t, urls)
	for i, c := range tlsCases {
		for j, want := range []bool{c.right, c.foreign, c.otherHost} {
			at := urls[i*len(addrs)+j]
			if err := ping(t, at); (err == nil) != want {
				t.Errorf("%q, server %d: connects should be %v: %v", c.options, j, want, err)
			}
			if python[at] != want && !(c.stricter && !want) {
				t.Errorf("%q, server %d: redis-py connects: %v, we: %v", c.options, j, python[at], want)
			}
		}
	}
}

// tlsFiles returns a replacer that turns the words of the table into files.
func tlsFiles(t *testing.T, c testenv.Certificates) *strings.Replacer {
	t.Helper()
	dir := t.TempDir()
	read := func(path string) []byte {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	openssl := func(args ...string) string {
		out, err := exec.Command("openssl", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("openssl %q: %v: %s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	hash := openssl("x509", "-hash", "-noout", "-in", c.Authority)
	locked := filepath.Join(dir, "locked.pem")
	openssl("ec", "-in", c.Key, "-aes256", "-passout", "pass:p w", "-out", locked)
	return strings.NewReplacer(
		"CA", c.Authority, "DATA", url.QueryEscape(string(read(c.Authority))),
		"UNHASHED", filepath.Dir(write("unhashed/authority.pem", read(c.Authority))),
		"DIR", filepath.Dir(write("hashed/"+hash+".0", read(c.Authority))),
		"BOTH", write("both.pem", append(read(c.Key), read(c.Server)...)),
		"CERT_NONE", "CERT_NONE", "CERT_REQUIRED", "CERT_REQUIRED",
		"CERT", c.Server, "KEY", c.Key, "LOCKED", locked)
}

// ping writes and reads through a connection string.
func ping(t *testing.T, at string) error {
	t.Helper()
	s, err := store.Open(t.Context(), at)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Write(t.Context(), []osprofiler.Notification{event(osprofiler.NewID(), 1)})
}

const pingScript = `
import json, sys, warnings, redis
warnings.simplefilter("ignore")
def connects(url):
    try:
        return bool(redis.Redis.from_url(url, retry=None, socket_timeout=20).ping())
    except Exception:
        return False
print(json.dumps({url: connects(url) for url in json.load(sys.stdin)}))
`

// pythonConnects reports by which URLs redis-py connects.
func pythonConnects(t *testing.T, urls []string) (connects map[string]bool) {
	t.Helper()
	asked, err := json.Marshal(urls)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testenv.NewPython(t), "-c", pingScript)
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

// The error for a lost connection does not mention TLS unless the server was
// observed to speak TLS.
func TestLostConnectionIsNoGuessAboutTLS(t *testing.T) {
	closing, err := net.Listen("tcp", "127.0.0.1:0") // like a proxy whose server is down
	if err != nil {
		t.Fatal(err)
	}
	defer closing.Close()
	go func() {
		for {
			conn, err := closing.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	for _, scheme := range []string{"redis", "rediss", "redissentinel"} {
		s, err := redis.Open(scheme + "://" + closing.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err == nil || strings.Contains(err.Error(), "TLS") {
			t.Errorf("%s: %v", scheme, err)
		}
		s.Close()
	}
}
