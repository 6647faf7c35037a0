// Package loginsightserver is a test server with the REST API of VMware Log
// Insight (vRealize Log Insight, Aria Operations for Logs), as far as OSProfiler
// uses it. No real server is available where this project is tested.
//
// The server follows the reference of the API, version v1, as VMware published it
// (vmw-loginsight.github.io), and is strict: it refuses every path, method, header,
// parameter, member and size that the reference does not allow. Where the
// reference leaves something open, the comments say what this server does.
//
// It listens on an address of its own in 127.0.0.0/8 with the real ports, because
// Python's driver cannot be given others. Events are kept in memory.
package loginsightserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// The ports of Log Insight.
const (
	Port    = 9000 // HTTP, for ingestion
	SSLPort = 9543 // HTTPS, for everything
)

// The account of the server. The password needs escapes in a connection string.
const (
	Username = "osprofiler"
	Password = "p@ss:w"
)

// A Server is a running server.
type Server struct {
	// Host is the address of the server.
	Host string
	// CAFile is the certificate to trust, a file in PEM form.
	CAFile string

	dir         string
	certificate tls.Certificate
	servers     []*http.Server

	mu          sync.Mutex
	username    string
	password    string
	sessions    map[string]time.Time // the end of each
	created     int                  // sessions
	store       memory
	faults      []*Fault
	requests    []Request
	indexDelay  time.Duration
	ignoresTime bool       // in queries
	shuffle     *rand.Rand // nil if events of the same time have a fixed order
	cap         int        // of the events in an answer; 0 for the documented one
}

// sessionTime is how long a session lasts, as in the examples of the reference.
const sessionTime = 30 * time.Minute

// Start starts a server on a free address.
func Start() (*Server, error) {
	host, listeners, err := listen()
	if err != nil {
		return nil, err
	}
	s := &Server{Host: host, sessions: map[string]time.Time{}, store: newMemory(), username: Username, password: Password}
	if s.dir, err = os.MkdirTemp("", "osp-loginsight-"); err == nil {
		s.CAFile = filepath.Join(s.dir, "authority.pem")
		s.certificate, err = certify(s.CAFile, host)
	}
	if err != nil {
		return nil, errors.Join(err, listeners[0].Close(), listeners[1].Close(), os.RemoveAll(s.dir))
	}
	s.serveAll(listeners)
	return s, nil
}

func (s *Server) serveAll(listeners []net.Listener) {
	secure := tls.NewListener(listeners[1], &tls.Config{Certificates: []tls.Certificate{s.certificate}, MinVersion: tls.VersionTLS12})
	s.serve(listeners[0], false)
	s.serve(secure, true)
}

// New starts a server for a test, and ends it with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *Server) serve(l net.Listener, secure bool) {
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.handle(w, r, secure) }),
		ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0), // clients that trust nobody are a test
	}
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(l) }() // until Close
}

// Close ends the server and every connection.
func (s *Server) Close() error { return errors.Join(s.Stop(), os.RemoveAll(s.dir)) }

// Stop ends the server and every connection, as Close does. The server loses its
// sessions, but keeps its events.
func (s *Server) Stop() error {
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	s.servers = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = map[string]time.Time{}
	return errors.Join(errs...)
}

// Restart starts the server again, at the same address, after Stop.
func (s *Server) Restart() error {
	listeners, err := listenOn(s.Host)
	if err == nil {
		s.serveAll(listeners)
	}
	return err
}

// tries is the number of addresses that listen tries.
const tries = 100

// listen finds an address on which both ports are free.
func listen() (host string, listeners []net.Listener, err error) {
	for range tries {
		// 127.0.0.1 and its neighbours are for other programs.
		host = fmt.Sprintf("127.%d.%d.%d", 64+rand.IntN(128), rand.IntN(256), 1+rand.IntN(254)) //nolint:gosec // no secret
		if listeners, err = listenOn(host); err == nil {
			return host, listeners, nil
		}
	}
	host = "127.0.0.1" // the only address of the loopback on some systems
	listeners, err = listenOn(host)
	return host, listeners, err
}

func listenOn(host string) ([]net.Listener, error) {
	plain, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(Port)))
	if err != nil {
		return nil, err
	}
	secure, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(SSLPort)))
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	return []net.Listener{plain, secure}, nil
}

// URL returns the connection string for our back end.
func (s *Server) URL() string { return s.PythonURL() + "?osp_ca_certs=" + url.QueryEscape(s.CAFile) }

// PythonURL returns the connection string for Python's driver, which verifies no
// certificate.
func (s *Server) PythonURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "loginsight://" + url.QueryEscape(s.username) + ":" + url.QueryEscape(s.password) + "@" + s.Host
}

// SetPassword changes the password of the account.
func (s *Server) SetPassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = password
}
