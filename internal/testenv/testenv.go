// Package testenv finds the real servers and tools that tests run against.
//
// A test asks for one ([Python], [RedisDB], [PostgreSQL]) and is skipped where
// it cannot be had, with a sentence that says how to get it. With
// OSP_TEST_REQUIRE=1, as in CI, such a test fails instead. Each can be replaced
// by the user's own through an environment variable; scripts/setup.sh installs
// them all.
//
// A server listens on a free port of the loopback interface and has a folder of
// its own. `make test` starts each once for all packages (see the command in
// servers/) and hands them on through the same variables; a test binary that
// runs alone starts those that its tests ask for. Tests share them, hence each
// gets a database of its own. What a test wants to break it starts for itself
// ([StartRedis], [StartPostgreSQL], …), or it puts a [Proxy] in front. That holds
// for standbys and clusters too ([StartStandby], [StartGalera]). All end with the
// process that started them, however that ends.
package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// RequireVariable names the environment variable that turns skipping into failing.
const RequireVariable = "OSP_TEST_REQUIRE"

// A Resource is something real that tests run against: a tool or a server. What
// it is reached by is a path or a connection string.
type Resource struct {
	Name     string // as a sentence says it
	Variable string // environment variable with the user's own
	Get      string // how to get it
	// find returns what it is reached by and its version. It runs once.
	find func() (at, version string, err error)
	once func() found
	// fresh makes an empty database there, and returns what gives it back; nil for tools.
	fresh func(at string) (url string, drop func() error, err error)
}

type found struct {
	at, version string
	err         error
}

// Resources are all that tests may ask for.
var Resources = []*Resource{debianPython, newestPython, redisServer, sentinelServers, postgreSQLServer, pgBouncer, mariaDBServer}

var (
	debianPython = resource(Resource{
		Name:     "the Python library of Debian",
		Variable: "OSP_TEST_PYTHON",
		Get:      "run scripts/setup.sh, or set OSP_TEST_PYTHON to a Python interpreter that can import osprofiler, SQLAlchemy 1.4, redis, psycopg2 and pymysql",
		find:     func() (string, string, error) { return python("OSP_TEST_PYTHON", "/usr/bin/python3", "python3") },
	})
	newestPython = resource(Resource{
		Name:     "the newest Python library",
		Variable: "OSP_TEST_PYTHON_NEW",
		Get:      "run scripts/setup.sh, or set OSP_TEST_PYTHON_NEW to a Python interpreter that can import osprofiler, SQLAlchemy 1.4, redis, psycopg2 and pymysql",
		find: func() (string, string, error) {
			return python("OSP_TEST_PYTHON_NEW", filepath.Join(moduleRoot(), ".cache", "venv", "bin", "python3"))
		},
	})
)

func resource(s Resource) *Resource {
	connstr.Own(s.Get)
	s.once = sync.OnceValue(func() (f found) {
		f.at, f.version, f.err = s.find()
		return f
	})
	return &s
}

// Python returns the interpreter that imports Debian's osprofiler, with the
// SQLAlchemy that its SQL driver needs.
func Python(t testing.TB) string {
	t.Helper()
	return debianPython.need(t)
}

// NewPython returns the interpreter that imports the newest osprofiler.
func NewPython(t testing.TB) string {
	t.Helper()
	return newestPython.need(t)
}

// DebianPython is Python for programs that are no tests.
func DebianPython() (string, error) { return debianPython.Find() }

// Find returns what the resource is reached by; a server may be started for it.
// What is missing is an error that says how to get it.
func (s *Resource) Find() (at string, err error) {
	f := s.once()
	if f.err != nil {
		return "", s.missing(f.err)
	}
	return f.at, nil
}

func (s *Resource) need(t testing.TB) string {
	t.Helper()
	f := s.once()
	if f.err != nil {
		s.lacks(t, f.err)
	}
	return f.at
}

// lacks skips the test that needs what is missing, or fails it.
func (s *Resource) lacks(t testing.TB, reason error) {
	t.Helper()
	if Required() {
		t.Fatal(s.missing(reason))
	} else {
		t.Skip(s.missing(reason))
	}
}

func (s *Resource) missing(reason error) error {
	return fmt.Errorf("%s is not here (%w): %s", s.Name, reason, s.Get)
}

// Required tells whether what is missing is a failure.
func Required() bool { return os.Getenv(RequireVariable) == "1" }

// Soak tells whether tests are to take hours where they otherwise take seconds,
// as `make soak` asks by OSP_TEST_SOAK=1.
func Soak() bool { return os.Getenv("OSP_TEST_SOAK") == "1" }

// State says of one resource whether it was found, in a line without passwords.
func (s *Resource) State() string {
	f := s.once()
	if f.err != nil {
		return "missing: " + connstr.Redact(oneLine(s.missing(f.err)).Error())
	}
	return fmt.Sprintf("found:   %s %s, %s", s.Name, f.version, connstr.Redact(f.at))
}

// python finds an interpreter that can import what tests need: the one that
// the variable names, or else the first of the candidates that can.
func python(variable string, candidates ...string) (path, version string, err error) {
	if own := os.Getenv(variable); own != "" {
		candidates = []string{own}
	}
	for _, candidate := range candidates {
		path, lookErr := exec.LookPath(candidate)
		if lookErr != nil {
			err = errors.Join(err, lookErr)
			continue
		}
		version, probeErr := probe(path)
		if probeErr == nil {
			return path, version, nil
		}
		err = errors.Join(err, fmt.Errorf("%s: %w", path, probeErr))
	}
	return "", "", oneLine(err)
}

const probeScript = `
import importlib.metadata, sqlalchemy, redis, psycopg2, pymysql
from osprofiler.drivers import sqlalchemy_driver
from oslo_serialization import jsonutils
if not sqlalchemy.__version__.startswith("1."):
    raise ImportError("SQLAlchemy %s, whose version 2 upstream's driver cannot use" % sqlalchemy.__version__)
print(importlib.metadata.version("osprofiler"))
`

func probe(path string) (version string, err error) {
	cmd := exec.Command(path, "-c", probeScript) //nolint:gosec // the user's own interpreter
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		last := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return "", fmt.Errorf("%w: %s", err, last[len(last)-1])
	}
	return strings.TrimSpace(string(out)), nil
}

func oneLine(err error) error {
	return errors.New(strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' }), "; "))
}

// moduleRoot is the folder with go.mod around the working folder.
func moduleRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d
		}
		if filepath.Dir(d) == d {
			return dir
		}
	}
}
