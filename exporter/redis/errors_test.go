package redis_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/osprofiler-otel/osprofiler"
	oredis "github.com/osprofiler-otel/osprofiler/exporter/redis"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// certificate makes a self-signed certificate for 127.0.0.1 and returns the files with the
// certificate and its key.
func certificate(t testing.TB) (certificate, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	put := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return put("cert.pem", "CERTIFICATE", der), put("key.pem", "PRIVATE KEY", pkcs8)
}

// freeAddress returns an address on which nobody listens, for a server of the
// test.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func freeAddr(t testing.TB) (addr, port string) {
	addr = freeAddress(t)
	_, port, _ = net.SplitHostPort(addr)
	return addr, port
}

// users are the statements of docs/stores/redis.md that create users.
var users = []string{
	"ACL SETUSER writer on >geheim1 resetkeys ~osprofiler_opt:* ~osprofiler_error:* resetchannels -@all +lpush +set +expire +select",
	"ACL SETUSER reader on >geheim2 resetkeys ~osprofiler* resetchannels -@all +scan +llen +lrange +lindex +get +select",
	"ACL SETUSER cleaner on >geheim3 resetkeys ~osprofiler* resetchannels -@all +scan +llen +lrange +lindex +get +del +select",
}

// secured starts a server with a password, users and TLS on a second port.
func secured(t testing.TB) (plain, tlsAddr, authority string) {
	t.Helper()
	cert, key := certificate(t)
	tlsAddr, port := freeAddr(t)
	server := testenv.StartRedis(t, "--requirepass", "geheim0", "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no")
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr(), Password: "geheim0"})
	defer client.Close()
	for _, user := range users {
		var args []any
		for word := range strings.FieldsSeq(user) {
			args = append(args, word)
		}
		if err := client.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return server.Addr(), tlsAddr, cert
}

// A certificate of another host is an error that says what to look at. The
// other errors of credentials are covered by the command's test of credentials.
func TestCertificateOfAnotherHost(t *testing.T) {
	_, encrypted, authority := secured(t)
	s := open(t, "rediss://:geheim0@"+strings.Replace(encrypted, "127.0.0.1", "localhost", 1)+"?ssl_ca_certs="+authority)
	err := s.Write(t.Context(), []osprofiler.Notification{event("x", 1)})
	if err == nil || !strings.HasPrefix(err.Error(), "cannot connect to Redis at localhost:") || !strings.Contains(err.Error(), "ssl_ca_certs") {
		t.Errorf("the error is %v", err)
	}
}

// The rights that docs/stores/redis.md names are enough, and none of them is
// superfluous.
func TestUsersAndTLS(t *testing.T) {
	plain, encrypted, authority := secured(t)
	for _, at := range []string{"redis://%s@" + plain + "/0", "rediss://%s@" + encrypted + "/1?ssl_ca_certs=" + authority,
		"rediss://%s@" + strings.Replace(encrypted, "127.0.0.1", "localhost", 1) + "/2?ssl_check_hostname=no&ssl_ca_certs=" + authority, "rediss://%s@" + encrypted + "/3?ssl_cert_reqs=none"} {
		writer := open(t, fmt.Sprintf(at, "writer:geheim1"), oredis.WithFilterErrorTrace(true), oredis.WithTTL(time.Hour))
		reader := open(t, fmt.Sprintf(at, "reader:geheim2"))
		failed := event("x", 1)
		failed.Info = `{"etype": "E", "host": "h"}`
		write(t, writer, failed)
		if got, _ := collect(t, reader.Notifications(t.Context(), "x")); len(got) != 1 {
			t.Errorf("%s: %v", at, got)
		}
		for name, count := range map[string]int{
			"traces":          len(first(collect(t, reader.Traces(t.Context(), store.Query{})))),
			"newest":          len(first(collect(t, reader.Traces(t.Context(), store.Query{Limit: 1})))),
			"failed":          len(first(collect(t, reader.Traces(t.Context(), store.Query{Failed: true})))),
			"Python's failed": len(first(collect(t, reader.PythonAnswers().FailedTraces(t.Context())))),
		} {
			if count != 1 {
				t.Errorf("%s: %s: %d", at, name, count)
			}
		}
		for _, s := range []*store.Store{writer, reader} {
			if err := s.Ping(t.Context()); err != nil {
				t.Errorf("%s: %v", at, err)
			}
		}
		if got, _ := collect(t, feed(t, reader, "").Poll(t.Context())); len(got) != 1 {
			t.Errorf("%s: %v", at, got)
		}
		err := reader.Write(t.Context(), []osprofiler.Notification{failed})
		if err == nil || !strings.Contains(err.Error(), "rights") {
			t.Errorf("a reader that writes: %v", err)
		}
		if count, err := open(t, fmt.Sprintf(at, "cleaner:geheim3")).Delete(t.Context(), "x"); count != 1 || err != nil {
			t.Errorf("%s: %d were deleted, and %v", at, count, err)
		}
		for _, err := range writer.Notifications(t.Context(), "x") {
			if err == nil || !strings.Contains(err.Error(), "rights") {
				t.Errorf("a writer that reads: %v", err)
			}
		}
	}
}

// With osp_read_only the server receives only commands that read, according to
// its own statistics.
func TestReadOnly(t *testing.T) {
	server := testenv.StartRedis(t)
	at := "redis://" + server.Addr() + "/1"
	putLegacy(t, at)
	failed := event("x", 1)
	failed.Info = `{"etype": "E", "host": "h"}`
	write(t, open(t, at, oredis.WithFilterErrorTrace(true)), failed, event("x", 2))
	client := bare(t, at)
	if err := client.ConfigResetStat(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	s := open(t, at+"?osp_read_only=yes")
	if err := s.Write(t.Context(), []osprofiler.Notification{event("x", 3)}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("writing: %v", err)
	}
	if _, err := s.Delete(t.Context(), "x"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("deleting: %v", err)
	}
	readEverything(t, s)
	stats, err := client.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^cmdstat_([^:]+):`).FindAllStringSubmatch(stats, -1)
	for _, command := range commands {
		if !slices.Contains([]string{"hello", "select", "scan", "llen", "lrange", "lindex", "get", "config|resetstat", "info"}, command[1]) {
			t.Errorf("a reader sent %s", command[1])
		}
	}
	if len(commands) < 6 {
		t.Errorf("only %v were counted", commands)
	}
}

// readEverything calls every reading method of a store.
func readEverything(t *testing.T, s *store.Store) {
	t.Helper()
	if got, _ := collect(t, s.Notifications(t.Context(), "x")); len(got) != 2 {
		t.Error(got)
	}
	for _, q := range []store.Query{{}, {Limit: 1}, {Failed: true}} {
		if got, _ := collect(t, s.Traces(t.Context(), q)); len(got) == 0 {
			t.Errorf("%+v lists nothing", q)
		}
	}
	for _, list := range []func(yield func(string, error) bool){s.PythonAnswers().Traces(t.Context(), nil), s.PythonAnswers().FailedTraces(t.Context())} {
		if got, _ := collect(t, list); len(got) == 0 {
			t.Error("a list of Python's is empty")
		}
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if got, _ := collect(t, feed(t, s, "").Poll(t.Context())); len(got) < 2 {
		t.Error(got)
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	testenv.StartRedis(t, "--unixsocket", path)
	s := open(t, "redis+unix://"+path+"?db=2")
	write(t, s, event("x", 1))
	if got, _ := collect(t, s.Notifications(t.Context(), "x")); len(got) != 1 {
		t.Error(got)
	}
}

func TestInjectedClient(t *testing.T) {
	client := bare(t, testenv.RedisDB(t))
	s := oredis.New(client)
	write(t, s, event("x", 1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := client.LLen(t.Context(), "osprofiler_opt:x").Err(); err != nil {
		t.Errorf("the client was closed: %v", err)
	}
}
