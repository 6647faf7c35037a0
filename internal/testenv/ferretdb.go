package testenv

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// FerretDBVariable names the environment variable with the user's own server. It
// may be another server that speaks MongoDB's protocol but lacks a part of it.
const FerretDBVariable = "OSP_TEST_FERRETDB_URL"

var ferretDBServer = resource(Resource{
	Name:     "a FerretDB server",
	Variable: FerretDBVariable,
	Get:      "run scripts/setup.sh, or set " + FerretDBVariable + " to one of your own (mongodb://127.0.0.1:27017/)",
	find: func() (string, string, error) {
		return server(FerretDBVariable, ferretDBProgram(), mongoDBForm, mongoDBVersion)
	},
	installed: canStart(ferretDBProgram()),
	fresh:     mongoDBDatabase,
})

// FerretDB returns the connection string of an empty database of a server that
// speaks MongoDB's protocol, but is no replica set and has no change streams, TTL
// indexes, accounts and transactions. $group computes only sums. No other test uses
// the database until this test ends.
func FerretDB(t testing.TB) string {
	t.Helper()
	return ferretDBServer.database(t)
}

// NewFerretDB is FerretDB for programs that are not tests. drop drops the database.
func NewFerretDB() (url string, drop func() error, err error) { return ferretDBServer.newDatabase() }

// StartFerretDB starts a FerretDB server for this test only, with additional
// arguments. [Server.MongoDB] returns its connection string.
func StartFerretDB(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartFerretDBOn(t, Disk{}, args...)
}

// StartFerretDBOn is StartFerretDB for a server with its data on the given disk.
func StartFerretDBOn(t testing.TB, d Disk, args ...string) *Server {
	t.Helper()
	return start(t, ferretDBServer, ferretDBProgram(args...), d)
}

// StartFerretDBTLS starts a FerretDB server for this test only. It accepts only TLS.
func StartFerretDBTLS(t testing.TB, c Certificates, args ...string) *Server {
	t.Helper()
	return StartFerretDB(t, append(args, "-tls-cert-file", c.Server, "-tls-key-file", c.Key)...)
}

func ferretDBProgram(args ...string) func() (program, error) {
	return func() (program, error) {
		path, err := exec.LookPath(filepath.Join(moduleRoot(), ".cache", "bin", "ferretdb"))
		return withArguments(program{
			name:    "FerretDB",
			signal:  "KILL",
			command: func(p *process) []string { return []string{path, "-listen", p.addr(), "-data", p.data()} },
			ready:   mongoDBReady,
		}, args), err
	}
}
