package main

import (
	"context"
	"net/url"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

const spoiledDB = "spoiled" // also has documents of other programs

// mongoDo runs a command as the user with all rights.
func mongoDo(t *testing.T, at, database string, command bson.D) {
	t.Helper()
	client, err := gomongo.Connect(options.Client().ApplyURI(at))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(context.Background()) }()
	if err := client.Database(database).RunCommand(t.Context(), command).Err(); err != nil {
		t.Fatal(err)
	}
}

// startMongoDB starts a server with more users, and with two databases.
func startMongoDB(t *testing.T) *testenv.Server {
	t.Helper()
	server := testenv.StartMongoDBAuth(t)
	at := as("mongodb", testenv.User, testenv.Password, server.Addr(), "/?authSource=admin")
	privilege := bson.D{
		{Key: "resource", Value: bson.D{{Key: "db", Value: "osprofiler"}, {Key: "collection", Value: ""}}},
		{Key: "actions", Value: bson.A{"insert", "update", "createIndex", "createCollection", "listIndexes"}},
	}
	mongoDo(t, at, "admin", bson.D{{Key: "createRole", Value: "appender"}, {Key: "privileges", Value: bson.A{privilege}}, {Key: "roles", Value: bson.A{}}})
	in := func(role, db string) bson.D { return bson.D{{Key: "role", Value: role}, {Key: "db", Value: db}} }
	for user, roles := range map[string]bson.A{
		"special": {in("readWrite", "osprofiler"), in("readWrite", spoiledDB), in("readWrite", "victim")}, "appender": {in("appender", "admin")},
		"reader": {in("read", "osprofiler")}, "norole": {in("read", "another")},
	} {
		mongoDo(t, at, "admin", bson.D{{Key: "createUser", Value: user}, {Key: "pwd", Value: secret(user)}, {Key: "roles", Value: roles}})
	}
	fill(t, at)
	fill(t, at+"&db_name="+spoiledDB)
	mongoDo(t, at, spoiledDB, bson.D{{Key: "insert", Value: "profiler"}, {Key: "documents", Value: bson.A{
		bson.D{{Key: "message", Value: "GET / 200"}}, bson.D{{Key: "base_id", Value: bson.A{1, "a"}}, {Key: "info", Value: 7}},
	}}})
	return server
}

func mongoDBTroubles(t *testing.T) ([]trouble, victim) {
	server := startMongoDB(t)
	c := testenv.NewCertificates(t, "")
	encrypted := testenv.StartMongoDBTLS(t, c)
	redis := testenv.StartRedis(t)
	const quick = "&serverSelectionTimeoutMS=2000"
	of := func(user, more string) string {
		return as("mongodb", user, secret(user), server.Addr(), "/?authSource=admin"+more)
	}
	pw, closed := secret("wrong"), testenv.ClosedPort(t)
	tls := func(ca string) string {
		return "mongodb://" + encrypted.Addr() + "/?tls=true" + quick + "&tlsCAFile=" + url.QueryEscape(ca)
	}
	const refused, rights = "refuses the user or the password of the connection string", "the rights that docs/stores/mongodb.md lists"
	troubles := []trouble{
		{name: "wrong password", at: as("mongodb", "reader", pw, server.Addr(), "/?authSource=admin"), error: refused},
		{name: "unknown user", at: as("mongodb", "nobody", pw, server.Addr(), "/?authSource=admin"), error: refused},
		{name: "wrong database of the user", at: as("mongodb", "reader", secret("reader"), server.Addr(), "/?authSource=osprofiler"), error: refused},
		{name: "no credentials", at: "mongodb://" + server.Addr() + "/", error: "wants a user and a password in the connection string"},
		{name: "no right to write", at: of("reader", ""), error: rights, reads: true},
		{name: "no right to read", at: of("appender", ""), error: rights, writes: true},
		{name: "no rights", at: of("norole", ""), error: rights},
		{name: "unknown authority", at: tls(testenv.NewCertificates(t, "").Authority), error: "tlsCAFile names the file with the authority to trust", slow: true},
		{name: "no TLS where the server has it", at: as("mongodb", "u", pw, encrypted.Addr(), "/?authSource=admin"+quick), error: "tls=true", slow: true},
		{name: "TLS where the server has none", at: of("special", "&tls=true"+quick), error: "does not speak TLS", slow: true},
		{name: "unknown host", at: as("mongodb", "u", pw, "no-such-host.invalid", "/?authSource=admin"+quick), error: "cannot connect to MongoDB at no-such-host.invalid:27017", slow: true},
		{name: "refused port", at: as("mongodb", "u", pw, closed, "/?authSource=admin"+quick), error: "cannot connect to MongoDB at " + closed, slow: true},
		{name: "not a MongoDB server", at: as("mongodb", "u", pw, redis.Addr(), "/?authSource=admin"+quick), error: "MongoDB at " + redis.Addr(), slow: true},
		{name: "wrong name of the replica set", at: of("special", "&replicaSet=nosuch"+quick), error: "replicaSet", slow: true},
		{name: "foreign documents among ours", at: of("special", "&db_name="+spoiledDB), reads: true, writes: true},
		{name: "special characters", at: of("special", ""), reads: true, writes: true},
	}
	return troubles, victim{server: server, quick: quick, patient: "&serverSelectionTimeoutMS=60000", at: func(_ *testing.T, addr string) string {
		return as("mongodb", "special", secret("special"), addr, "/?authSource=admin&directConnection=true&db_name=victim"+quick)
	}}
}
