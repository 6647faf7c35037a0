package testenv

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

type doc = bson.M

// startMongoDB are the servers with MongoDB's protocol.
var startMongoDB = map[string]func(t testing.TB, args ...string) *Server{"SecantusDB": StartMongoDB, "FerretDB": StartFerretDB}

// mongoClient connects to a server without repetitions of failed calls.
func mongoClient(t *testing.T, url string) *mongo.Client {
	t.Helper()
	c, err := mongo.Connect(options.Client().ApplyURI(url).SetRetryReads(false).SetRetryWrites(false).SetServerSelectionTimeout(20 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Disconnect(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// A write that was acknowledged with write concern j survives a crash.
func TestMongoDBServersKeepJournaledWrites(t *testing.T) {
	t.Parallel()
	for name, start := range startMongoDB {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			for round := range 3 {
				acknowledged := writeUntilKilled(t, s, round)
				s.Restart()
				kept, err := mongoClient(t, s.MongoDB()).Database("test").Collection("kept").CountDocuments(t.Context(), doc{"_id": doc{"$in": acknowledged}})
				if err != nil || int(kept) != len(acknowledged) || kept == 0 {
					t.Errorf("round %d: %d of %d acknowledged documents are there, %v", round, kept, len(acknowledged), err)
				}
			}
		})
	}
}

// writeUntilKilled writes with three clients, kills the server, and returns the ids
// of the acknowledged documents.
func writeUntilKilled(t *testing.T, s *Server, round int) (acknowledged []string) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for writer := range 3 {
		kept := mongoClient(t, s.MongoDB()).Database("test").Collection("kept", options.Collection().SetWriteConcern(writeconcern.Journaled()))
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprint(round, writer, i)
				if _, err := kept.InsertOne(t.Context(), doc{"_id": id, "filler": strings.Repeat("x", 500)}); err != nil {
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, id)
				mu.Unlock()
			}
		})
	}
	for enough := false; !enough; time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		enough = len(acknowledged) > 200
		mu.Unlock()
	}
	s.Kill()
	wg.Wait()
	return acknowledged
}

func TestMongoDBServersAreHalted(t *testing.T) {
	t.Parallel()
	for name, start := range startMongoDB {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			c := mongoClient(t, s.MongoDB())
			if err := c.Ping(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			s.Stop()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if err := c.Ping(ctx, nil); err == nil {
				t.Error("a halted server answers")
			}
			s.Continue()
			if err := c.Ping(t.Context(), nil); err != nil {
				t.Error(err, s.Log())
			}
		})
	}
}

func TestMongoDBServersAcceptOnlyTLS(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, Certificates, ...string) *Server{"SecantusDB": StartMongoDBTLS, "FerretDB": StartFerretDBTLS} {
		t.Run(name, func(t *testing.T) {
			ours, foreign := NewCertificates(t, ""), NewCertificates(t, "")
			s := start(t, ours)
			for options, want := range map[string]string{
				"?tls=true&tlsCAFile=" + ours.Authority:    "",
				"?tls=true&tlsCAFile=" + foreign.Authority: "certificate signed by unknown authority",
				"": "connection",
			} {
				t.Run(want, func(t *testing.T) {
					t.Parallel()
					Growing(t, 5*time.Second, func(d time.Duration) error {
						ctx, cancel := context.WithTimeout(t.Context(), d)
						defer cancel()
						err := mongoClient(t, s.MongoDB()+options).Ping(ctx, nil)
						if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
							return fmt.Errorf("%q: %w, want %q", options, err, want)
						}
						return nil
					})
				})
			}
		})
	}
}

func TestMongoDBAsksForAPassword(t *testing.T) {
	t.Parallel()
	s := StartMongoDBAuth(t)
	as := func(user string) string {
		return strings.Replace(s.MongoDB(), "//", "//"+user+"@", 1) + "?authSource=admin"
	}
	var refused mongo.CommandError
	if _, err := mongoClient(t, s.MongoDB()).Database("a").Collection("b").InsertOne(t.Context(), doc{}); !errors.As(err, &refused) || refused.Code != 13 {
		t.Errorf("without a user: %v", err)
	}
	if err := mongoClient(t, as(User+":wrong")).Ping(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "AuthenticationFailed") {
		t.Errorf("wrong password: %v", err)
	}
	admin := mongoClient(t, as(User+":"+Password)).Database("admin")
	for _, command := range []bson.D{
		{{Key: "createRole", Value: "appender"}, {Key: "roles", Value: bson.A{}}, {Key: "privileges", Value: bson.A{
			doc{"resource": doc{"db": "a", "collection": "b"}, "actions": bson.A{"insert"}},
		}}},
		{{Key: "createUser", Value: "writer"}, {Key: "pwd", Value: "w"}, {Key: "roles", Value: bson.A{"appender"}}},
	} {
		if err := admin.RunCommand(t.Context(), command).Err(); err != nil {
			t.Fatal(command, err)
		}
	}
	b := mongoClient(t, as("writer:w")).Database("a").Collection("b")
	if _, err := b.InsertOne(t.Context(), doc{}); err != nil {
		t.Error("the role permits it:", err)
	}
	if err := b.FindOne(t.Context(), doc{}).Err(); !errors.As(err, &refused) || refused.Code != 13 {
		t.Errorf("the role does not permit it: %v", err)
	}
}

// SecantusDB has features that FerretDB lacks. Tests with both servers rely on this
// difference.
func TestMongoDBServersDiffer(t *testing.T) {
	t.Parallel()
	secantus, ferret := mongoClient(t, StartMongoDB(t, "--enable-test-commands").MongoDB()), mongoClient(t, StartFerretDB(t).MongoDB())
	for name, uses := range map[string]func(c *mongo.Collection) error{
		"$group with $min": func(c *mongo.Collection) error {
			_, err := c.Aggregate(t.Context(), bson.A{doc{"$group": doc{"_id": "$a", "first": doc{"$min": "$at"}}}})
			return err
		},
		"change stream": func(c *mongo.Collection) error {
			stream, err := c.Watch(t.Context(), bson.A{})
			if err == nil {
				stream.Close(t.Context())
			}
			return err
		},
		"transaction": func(c *mongo.Collection) error {
			return c.Database().Client().UseSession(t.Context(), func(ctx context.Context) error {
				_, err := mongo.SessionFromContext(ctx).WithTransaction(ctx, func(ctx context.Context) (any, error) { return c.InsertOne(ctx, doc{}) })
				return err
			})
		},
		"TTL index": func(c *mongo.Collection) error {
			_, err := c.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: doc{"at": 1}, Options: options.Index().SetExpireAfterSeconds(1)})
			return err
		},
		"fail point": func(c *mongo.Collection) error {
			return c.Database().Client().Database("admin").RunCommand(t.Context(), bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: "off"}}).Err()
		},
	} {
		if err := uses(secantus.Database("a").Collection(name)); err != nil {
			t.Errorf("%s of SecantusDB: %v", name, err)
		}
		if err := uses(ferret.Database("a").Collection(strings.ReplaceAll(name, "$", ""))); err == nil {
			t.Errorf("%s of FerretDB: no error", name)
		}
	}
}

func TestMongoDBDeletesByTTL(t *testing.T) {
	t.Parallel()
	c := mongoClient(t, StartMongoDB(t).MongoDB()).Database("a").Collection("b")
	if _, err := c.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: doc{"at": 1}, Options: options.Index().SetExpireAfterSeconds(1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.InsertOne(t.Context(), doc{"at": time.Now().Add(-time.Hour)}); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if n, err := c.CountDocuments(t.Context(), doc{}); err != nil || n == 0 {
			if err != nil {
				t.Error(err)
			}
			return
		}
		if time.Since(began) > patience {
			t.Fatal("the document is still there")
		}
	}
}

// Every test has a database of its own, which is dropped at the end.
func TestMongoDBDatabases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shared *Resource
		fresh  func() (string, func() error, error)
	}{"SecantusDB": {mongoDBServer, NewMongoDB}, "FerretDB": {ferretDBServer, NewFerretDB}} {
		t.Run(name, func(t *testing.T) {
			client := mongoClient(t, c.shared.need(t))
			url, drop, err := c.fresh()
			if err != nil {
				t.Fatal(err)
			}
			_, database, _ := strings.Cut(url, "/?db_name=")
			if !strings.HasPrefix(database, "osp_test_") {
				t.Fatalf("no database in %s", url)
			}
			if _, err := client.Database(database).Collection("b").InsertOne(t.Context(), doc{}); err != nil {
				t.Fatal(err)
			}
			if err := drop(); err != nil {
				t.Fatal(err)
			}
			if left, err := client.ListDatabaseNames(t.Context(), doc{"name": database}); len(left) != 0 || err != nil {
				t.Errorf("%s is left, %v", left, err)
			}
		})
	}
}

func TestMongoDBServersOnAFullDisk(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t testing.TB, d Disk, args ...string) *Server{"SecantusDB": StartMongoDBOn, "FerretDB": StartFerretDBOn} {
		t.Run(name, func(t *testing.T) {
			d := NewDisk(t, "48m")
			s := start(t, d)
			connect := func() *mongo.Collection {
				return mongoClient(t, s.MongoDB()).Database("a").Collection("b", options.Collection().SetWriteConcern(writeconcern.Journaled()))
			}
			c := connect()
			write := func(id int) error {
				_, err := c.InsertOne(t.Context(), doc{"_id": id, "filler": strings.Repeat("x", 50_000)})
				return err
			}
			if err := write(0); err != nil {
				t.Fatal(err)
			}
			d.Fill()
			acknowledged := 1
			err := write(1)
			for ; err == nil; err = write(acknowledged) {
				acknowledged++
			}
			t.Logf("after %d documents: %v", acknowledged, err)
			d.Free()
			s.Restart()
			c = connect()
			if err := write(-1); err != nil {
				t.Error("with space again:", err, s.Log())
			}
			if n, err := c.CountDocuments(t.Context(), doc{"_id": doc{"$gte": 0}}); int(n) < acknowledged || err != nil {
				t.Errorf("%d of %d acknowledged documents are there, %v", n, acknowledged, err)
			}
		})
	}
}
