package mongo_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// checkSentence pings and writes, and compares the errors with a sentence. "AT"
// stands for the address.
func checkSentence(t *testing.T, url, addr string, transient bool, want ...string) {
	t.Helper()
	s := open(t, url)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ping := s.Ping(ctx)
	written := s.Write(ctx, []osprofiler.Notification{notification("a-start", `{"host": "h"}`)})
	for _, err := range []error{ping, written} {
		if err == nil {
			t.Errorf("%s: no error", url)
			continue
		}
		for _, text := range want {
			if !strings.Contains(err.Error(), strings.ReplaceAll(text, "AT", addr)) {
				t.Errorf("%s: %v\nwant %q", url, err, text)
			}
		}
		if strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "Topology") || strings.Contains(err.Error(), "connection(") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if store.IsTransient(ping) != transient || store.IsTransient(written) != transient {
		t.Errorf("%s: transient: %v, %v; want %v", url, store.IsTransient(ping), store.IsTransient(written), transient)
	}
}

func TestUnreachable(t *testing.T) {
	addr := testenv.ClosedPort(t)
	checkSentence(t, "mongodb://u:geheim@"+addr+"/?serverSelectionTimeoutMS=300", addr, true, "cannot connect to MongoDB at AT: connection refused")
	other := testenv.ClosedPort(t)
	checkSentence(t, "mongodb://"+addr+","+other+"/?serverSelectionTimeoutMS=300", addr+","+other, true, "cannot connect to MongoDB at AT: ", "connection refused")
	checkSentence(t, "mongodb://no-such-host.invalid/?serverSelectionTimeoutMS=2000", "no-such-host.invalid:27017", true, "cannot connect to MongoDB at AT: ")
	checkSentence(t, "mongodb+srv://no-such-host.invalid/?serverSelectionTimeoutMS=2000", "no-such-host.invalid", true, "MongoDB at AT: ")
}

// The errors for a server of another kind, and for a server that never answers, say what
// is wrong.
func TestForeignServer(t *testing.T) {
	for greeting, want := range map[string]string{"": "", "HTTP/1.1 400 Bad Request\r\n\r\n": ""} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					_, _ = c.Read(make([]byte, 1000))
					_, _ = c.Write([]byte(greeting))
				}()
			}
		}()
		checkSentence(t, "mongodb://"+l.Addr().String()+"/?serverSelectionTimeoutMS=1000&connectTimeoutMS=500", l.Addr().String(), true, "MongoDB at AT", want)
	}
}

func TestWrongCredentials(t *testing.T) {
	server := testenv.StartMongoDBAuth(t)
	addr := server.Addr()
	checkSentence(t, "mongodb://"+addr+"/", addr, false, "MongoDB at AT wants a user and a password in the connection string, which should read like mongodb://user:password@host/?authSource=admin")
	checkSentence(t, "mongodb://"+testenv.User+":geheim@"+addr+"/", addr, false, "MongoDB at AT refuses the user or the password of the connection string")
	checkSentence(t, "mongodb://nobody:geheim@"+addr+"/db", addr, false, "MongoDB at AT refuses the user or the password of the connection string")
}

func TestWrongTLS(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	secured := testenv.StartMongoDBTLS(t, c)
	addr := secured.Addr()
	const fast = "&serverSelectionTimeoutMS=1500&connectTimeoutMS=1000"
	checkSentence(t, "mongodb://"+addr+"/?tls=true"+fast, addr, false, "cannot connect to MongoDB at AT by TLS (tlsCAFile names the file with the authority to trust): ", "unknown authority")
	checkSentence(t, "mongodb://"+addr+"/?"+fast[1:], addr, true, "MongoDB at AT", "if it speaks TLS, the connection string should have the option tls=true")
	other := testenv.NewCertificates(t, "")
	checkSentence(t, "mongodb://"+addr+"/?tlsCAFile="+other.Authority+fast, addr, false, "by TLS (tlsCAFile names")
	plain := testenv.StartMongoDB(t)
	checkSentence(t, "mongodb://"+plain.Addr()+"/?tls=true"+fast, plain.Addr(), true, "MongoDB at AT", "if it does not speak TLS, the connection string should have the option tls=false")
	s := open(t, "mongodb://"+addr+"/?tlsCAFile="+c.Authority+fast)
	write(t, s, notification("a-start", `{"host": "h"}`))
	for _, options := range []string{"tlsAllowInvalidHostnames=true&tlsCAFile=" + c.Authority, "tlsInsecure=true"} {
		s := open(t, "mongodb://"+strings.Replace(addr, "127.0.0.1", "localhost", 1)+"/?directConnection=true&"+options+fast)
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", options, err)
		}
	}
}

// The error says so if no server belongs to the replica set of the connection string, or
// if no server is allowed by its read preference.
func TestNoSuitableServer(t *testing.T) {
	url := testenv.MongoDB(t)
	addr := strings.Split(strings.TrimPrefix(url, "mongodb://"), "/")[0]
	checkSentence(t, with(url, "replicaSet=another&serverSelectionTimeoutMS=500"), addr, true, "MongoDB at AT has no primary that can be reached")
	s := open(t, with(url, "readPreference=secondary&serverSelectionTimeoutMS=500"))
	if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "has no server that the read preference allows") {
		t.Error(err)
	}
}

// A user may do what the role on the page lets it do, and an error names the page.
func TestRights(t *testing.T) {
	server := testenv.StartMongoDBAuth(t)
	admin := "mongodb://" + testenv.User + ":" + testenv.Password + "@" + server.Addr() + "/?authSource=admin&db_name=osprofiler"
	db := bare(t, admin)
	create := bson.D{{Key: "createUser", Value: "reader"}, {Key: "pwd", Value: "geheim"}, {Key: "roles", Value: bson.A{bson.D{{Key: "role", Value: "read"}, {Key: "db", Value: "osprofiler"}}}}}
	if err := db.Client().Database("admin").RunCommand(t.Context(), create).Err(); err != nil {
		t.Fatal(err)
	}
	s := open(t, "mongodb://reader:geheim@"+server.Addr()+"/")
	err := writeError(t, s.Write(t.Context(), []osprofiler.Notification{notification("a-start", `{"host": "h"}`)}))
	if err.Transient || !strings.Contains(err.Error(), `does not give the user "reader" the rights that docs/stores/mongodb.md lists`) {
		t.Errorf("%+v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// Each call returns as soon as its context ends, and leaves nothing behind.
func TestEndOfContext(t *testing.T) {
	server := startAdjustable(t)
	s := open(t, server.url)
	write(t, s, notification("a-start", `{"host": "h"}`))
	server.fail(t, 1, onInsert(bson.E{Key: "blockConnection", Value: true}, bson.E{Key: "blockTimeMS", Value: 5000}))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	begin := time.Now()
	err := s.Write(ctx, []osprofiler.Notification{notification("a-stop", `{"host": "h"}`)})
	if took := time.Since(begin); err == nil || took > 3*time.Second || ctx.Err() == nil {
		t.Errorf("after %v: %v", took, err)
	}
	server.fail(t, 1, onInsert(bson.E{Key: "blockConnection", Value: true}, bson.E{Key: "blockTimeMS", Value: 5000}))
	slow := open(t, with(server.url, "socketTimeoutMS=200&retryWrites=false"))
	e := writeError(t, slow.Write(t.Context(), []osprofiler.Notification{notification("b-start", `{"host": "h"}`)}))
	if !e.Transient || !strings.Contains(e.Error(), "socketTimeoutMS of 200ms") {
		t.Errorf("%+v", e)
	}
}

// Calls at the same time get the same reason, although the client library reports to some
// of them only that it closed the connections.
func TestWrongCredentialsAtOnce(t *testing.T) {
	server := testenv.StartMongoDBAuth(t)
	s := open(t, "mongodb://"+testenv.User+":geheim@"+server.Addr()+"/")
	var calls sync.WaitGroup
	for range 30 {
		calls.Go(func() {
			err := s.Ping(t.Context())
			if err == nil || !strings.Contains(err.Error(), "refuses the user or the password") || store.IsTransient(err) {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}
