// Package testenv finds the real servers and tools that tests run against.
//
// A test asks for a server or tool, for example with [Python], [RedisDB] or
// [PostgreSQL]. If the resource is missing, the test is skipped with a sentence that
// explains how to get it. With OSP_TEST_REQUIRE=1, as in CI, the test fails instead.
// scripts/setup.sh installs all of them. An environment variable for each one
// selects the user's own instead.
//
// A server listens on a free port of the loopback interface and has its own
// folder. A test binary starts the servers that its tests ask for. In `make test`,
// the test binaries of all packages share each server, and the command in servers/
// starts a server when the first of them asks for it.
//
// Tests share these servers, but each test gets its own database. A test that
// breaks a server starts its own one ([StartRedis], [StartPostgreSQL], …), or
// connects through a [Proxy]. Standbys and clusters are never shared
// ([StartStandby], [StartGalera]). All servers end with the process that started
// them, even if that process is killed.
package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// RequireVariable names the environment variable that turns skipping into failing.
const RequireVariable = "OSP_TEST_REQUIRE"

// A Resource is a real tool or server that tests use. Its location is the path of
// the tool or the connection string of the server.
type Resource struct {
	Name     string // for sentences
	Variable string // the environment variable that selects the user's own
	Get      string // how to get it
	// find returns the location and the version. It runs once.
	find  func() (location, version string, err error)
	once  func() findResult
	asked *atomic.Bool // reports whether once was called
	// installed reports why the server cannot start, without starting it. It is nil
	// for tools, because find is fast for them.
	installed func() error
	// fresh creates an empty database on the server, and returns the function that
	// drops it. It is nil for tools.
	fresh func(location string) (url string, drop func() error, err error)
}

// A findResult holds the results of Resource.find.
type findResult struct {
	location, version string
	err               error
}

// Resources are all tools and servers that tests may ask for.
var Resources = slices.Concat(
	[]*Resource{debianPython, newestPython, redisServer, sentinelServers, postgreSQLServer, pgBouncer, mariaDBServer, mongoDBServer, ferretDBServer, rabbitMQServer, kafkaServer, chromium, axe},
	searchServers, jaegerResources())

var (
	debianPython = resource(Resource{
		Name:     "the Python library of Debian",
		Variable: "OSP_TEST_PYTHON",
		Get:      "run scripts/setup.sh, or set OSP_TEST_PYTHON to a Python interpreter that can import osprofiler, SQLAlchemy 1.4, redis, psycopg2, pymysql, pymongo, elasticsearch, oslo_messaging and confluent_kafka",
		find:     func() (string, string, error) { return python("OSP_TEST_PYTHON", "/usr/bin/python3", "python3") },
	})
	newestPython = resource(Resource{
		Name:     "the newest Python library",
		Variable: "OSP_TEST_PYTHON_NEW",
		Get:      "run scripts/setup.sh, or set OSP_TEST_PYTHON_NEW to a Python interpreter that can import osprofiler, SQLAlchemy 1.4, redis, psycopg2, pymysql, pymongo, elasticsearch, oslo_messaging and confluent_kafka",
		find: func() (string, string, error) {
			return python("OSP_TEST_PYTHON_NEW", filepath.Join(moduleRoot(), ".cache", "venv", "bin", "python3"))
		},
	})
)

// The texts say how to get a server, with connection strings as examples.
var _ = ownTexts(Resources)

func ownTexts(resources []*Resource) (texts []string) {
	for _, r := range resources {
		texts = append(texts, connstr.Own(r.Get))
	}
	return texts
}

func resource(s Resource) *Resource {
	s.asked = new(atomic.Bool)
	s.once = sync.OnceValue(func() findResult {
		s.asked.Store(true)
		return s.search()
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

// DebianPython is Python for programs that are not tests.
func DebianPython() (string, error) { return debianPython.Find() }

// NewestPython is NewPython for programs that are not tests.
func NewestPython() (string, error) { return newestPython.Find() }

// Find returns the location of the resource, and starts a server if necessary. If
// the resource is missing, the error says how to get it.
func (s *Resource) Find() (location string, err error) {
	r := s.once()
	if r.err != nil {
		return "", s.missing(r.err)
	}
	return r.location, nil
}

// Check is Find without starting a server. A server that is installed may still
// fail to start.
func (s *Resource) Check() error {
	if s.installed == nil || os.Getenv(s.Variable) != "" {
		_, err := s.Find()
		return err
	}
	if err := s.installed(); err != nil {
		return s.missing(err)
	}
	return nil
}

// need is Find for a test. It skips or fails the test if the resource is missing.
func (s *Resource) need(t testing.TB) string {
	t.Helper()
	r := s.once()
	if r.err != nil {
		s.skipOrFail(t, r.err)
	}
	return r.location
}

// skipOrFail skips a test that needs a missing resource, or fails the test if
// resources are required.
func (s *Resource) skipOrFail(t testing.TB, reason error) {
	t.Helper()
	Missing(t, s.missing(reason))
}

func (s *Resource) missing(reason error) error {
	return fmt.Errorf("%s is not here (%w): %s", s.Name, reason, s.Get)
}

// Required reports whether a test fails if a resource is missing.
func Required() bool { return os.Getenv(RequireVariable) == "1" }

// Missing skips a test that needs a resource which is missing. The arguments describe the
// resource. With OSP_TEST_REQUIRE=1 the test fails instead.
func Missing(t testing.TB, what ...any) {
	t.Helper()
	if Required() {
		t.Fatal(what...)
	} else {
		t.Skip(what...)
	}
}

// Soak reports whether OSP_TEST_SOAK=1 is set, as `make soak` does. Some tests then
// run for hours instead of seconds.
func Soak() bool { return os.Getenv("OSP_TEST_SOAK") == "1" }

// State describes the resource in one line without passwords: whether it is
// found, its version and its location. A resource that nobody asked for is
// described without finding it.
func (s *Resource) State() string {
	if !s.asked.Load() {
		if s.installed != nil && os.Getenv(s.Variable) == "" {
			if err := s.installed(); err != nil {
				return "missing: " + connstr.Redact(oneLine(s.missing(err)).Error())
			}
		}
		return "unused:  no test asked for " + s.Name
	}
	r := s.once()
	if r.err != nil {
		return "missing: " + connstr.Redact(oneLine(s.missing(r.err)).Error())
	}
	return fmt.Sprintf("found:   %s %s, %s", s.Name, r.version, connstr.Redact(r.location))
}

// python finds an interpreter that can import the modules of probeScript. It
// tries the interpreter that the variable names or, if the variable is not set,
// the candidates in order.
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
import importlib.metadata, sqlalchemy, redis, psycopg2, pymysql, pymongo, elasticsearch, confluent_kafka
from osprofiler.drivers import sqlalchemy_driver
from oslo_serialization import jsonutils
import oslo_messaging
if not sqlalchemy.__version__.startswith("1."):
    raise ImportError("SQLAlchemy %s, but OSProfiler's SQL driver needs version 1" % sqlalchemy.__version__)
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

// moduleRoot returns the folder of the main module, also for the tests of a module
// in it.
func moduleRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "internal", "testenv", "testenv.go")); err == nil {
			return d
		}
		if filepath.Dir(d) == d {
			return dir
		}
	}
}
