package testenv

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// MongoDBVariable names the environment variable with the user's own server. It
// should be a replica set, because tests use change streams and transactions. The
// user in the URL must be allowed to write and drop databases whose names begin
// with osp_test_.
const MongoDBVariable = "OSP_TEST_MONGODB_URL"

var mongoDBServer = resource(Resource{
	Name:     "a MongoDB server",
	Variable: MongoDBVariable,
	Get:      "run scripts/setup.sh, or set " + MongoDBVariable + " to one of your own (mongodb://127.0.0.1:27017/)",
	find: func() (string, string, error) {
		return server(MongoDBVariable, secantusDBProgram(), mongoDBForm, mongoDBVersion)
	},
	installed: canStart(secantusDBProgram()),
	fresh:     mongoDBDatabase,
})

const mongoDBForm = "mongodb://%s/"

// MongoDB returns the connection string of an empty database: mongodb:// with
// option db_name. No other test uses the database until this test ends.
//
// The server is SecantusDB, unless the user has another one, because no package
// registry has MongoDB itself. SecantusDB keeps data with WiredTiger, as MongoDB does,
// and is a replica set of one node.
func MongoDB(t testing.TB) string {
	t.Helper()
	return mongoDBServer.database(t)
}

// NewMongoDB is MongoDB for programs that are not tests. drop drops the database.
func NewMongoDB() (url string, drop func() error, err error) { return mongoDBServer.newDatabase() }

// StartMongoDB starts a SecantusDB server for this test only, with additional
// arguments: --enable-test-commands permits fail points, --standalone ends the
// replica set, --sync-on-commit syncs every write. Without --sync-on-commit, the server
// syncs a write only if its write concern has j. The server looks each second for
// documents to delete by a TTL index, and ends if its disk is full. [Server.MongoDB]
// returns its connection string.
func StartMongoDB(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartMongoDBOn(t, Disk{}, args...)
}

// StartMongoDBOn is StartMongoDB for a server with its data on the given disk.
func StartMongoDBOn(t testing.TB, d Disk, args ...string) *Server {
	t.Helper()
	return start(t, mongoDBServer, secantusDBProgram(args...), d)
}

// StartMongoDBTLS starts a SecantusDB server for this test only. It accepts only
// TLS. --tls-ca-file FILE --tls-require-client-cert make it ask for a certificate.
func StartMongoDBTLS(t testing.TB, c Certificates, args ...string) *Server {
	t.Helper()
	return StartMongoDB(t, append(args, "--tls-cert-file", c.Server, "--tls-key-file", c.Key)...)
}

// StartMongoDBAuth starts a SecantusDB server for this test only. It asks for a
// user and password. [User] with [Password] in the database admin has all rights, so
// that the test can create other users.
func StartMongoDBAuth(t testing.TB, args ...string) *Server {
	t.Helper()
	s := StartMongoDB(t)
	create := bson.D{
		{Key: "createUser", Value: User}, {Key: "pwd", Value: Password}, {Key: "roles", Value: bson.A{"root"}},
		{Key: "writeConcern", Value: bson.D{{Key: "j", Value: true}}},
	}
	s.must(mongoDBDo(s.MongoDB(), "admin", create, bson.D{{Key: "fsync", Value: 1}}))
	s.p.program = withArguments(s.p.program, append(args, "--auth"))
	s.Restart()
	return s
}

// MongoDB returns the connection string of a server that StartMongoDB, StartMongoDBTLS
// or StartFerretDB started, without user, database and options.
func (s *Server) MongoDB() string { return fmt.Sprintf(mongoDBForm, s.Addr()) }

//go:embed programs/secantusdb.py
var secantusDBScript string

func secantusDBProgram(args ...string) func() (program, error) {
	return func() (program, error) {
		python, err := exec.LookPath(filepath.Join(moduleRoot(), ".cache", "secantusdb", "bin", "python3"))
		return withArguments(program{
			name:   "SecantusDB",
			signal: "KILL",
			prepare: func(p *process) error {
				// An empty file keeps the server from reading the settings of the user.
				return os.WriteFile(p.path("settings.toml"), nil, 0o600)
			},
			command: func(p *process) []string {
				return []string{python, "-c", secantusDBScript, "--config", p.path("settings.toml"), "--host", "127.0.0.1", "--port",
					strconv.Itoa(p.port), "--storage-path", p.data(), "--log-level", "WARNING", "--cache-size", "256M"}
			},
			ready: mongoDBReady,
		}, args), err
	}
}

// withArguments returns the program with additional arguments.
func withArguments(pr program, args []string) program {
	plain := pr.command
	pr.command = func(p *process) []string { return append(plain(p), args...) }
	if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(strings.TrimLeft(a, "-"), "tls-cert-file") }) {
		pr.ready = listening
	}
	return pr
}

// mongoDBReady returns nil if the server answers, also if it asks for a password.
func mongoDBReady(ctx context.Context, addr string) error {
	if err := listening(ctx, addr); err != nil {
		return err // the driver would try again and again
	}
	return mongoDBDo(fmt.Sprintf(mongoDBForm, addr), "admin", bson.D{{Key: "hello", Value: 1}})
}

// mongoDBVersion returns the version that the server claims to be compatible with,
// and the product if it is not MongoDB.
func mongoDBVersion(ctx context.Context, raw string) (version string, err error) {
	client, err := mongoDBOpen(raw)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, client.Disconnect(ctx)) }()
	var info struct{ Version, SecantusVersion, FerretDBVersion string }
	if err = client.Database("admin").RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&info); err != nil {
		return "", err
	}
	switch {
	case info.SecantusVersion != "":
		return "(SecantusDB " + info.SecantusVersion + ") " + info.Version, nil
	case info.FerretDBVersion != "":
		return "(FerretDB) " + info.Version, nil
	}
	return info.Version, nil
}

func mongoDBDatabase(raw string) (own string, drop func() error, err error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", nil, fmt.Errorf("the variable with the server of your own: %w", errors.Unwrap(err))
	}
	name := "osp_test_" + strings.ToLower(rand.Text()[:16])
	options := u.Query()
	options.Set("db_name", name)
	u.RawQuery = options.Encode()
	return u.String(), func() error { return mongoDBDo(raw, name, bson.D{{Key: "dropDatabase", Value: 1}}) }, nil
}

// mongoDBDo runs commands in a database.
func mongoDBDo(raw, database string, commands ...bson.D) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := mongoDBOpen(raw)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Disconnect(ctx)) }()
	for _, command := range commands {
		if err := client.Database(database).RunCommand(ctx, command).Err(); err != nil {
			return fmt.Errorf("%s in database %s: %w", command[0].Key, database, err)
		}
	}
	return nil
}

func mongoDBOpen(raw string) (*mongo.Client, error) {
	return mongo.Connect(options.Client().ApplyURI(raw).SetServerSelectionTimeout(patience / 2))
}
