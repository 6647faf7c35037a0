package testenv

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// OnDemandVariable names the environment variable with the address of an [OnDemand].
const OnDemandVariable = "OSP_TEST_ON_DEMAND"

// OnDemand starts the shared servers of several test binaries. It is not known before
// `go test` which resources the packages need. So the test binaries ask for
// each resource when the first test needs it, and all of them get the same server.
// A proxy that starts its server at the first connection would need no request from
// the test binaries. But it would slow down the benchmarks, and would not work for
// sentinels and clusters, which send clients the addresses of their nodes.
type OnDemand struct {
	listener net.Listener
	asked    sync.WaitGroup
}

// NewOnDemand listens on the loopback interface. Any account may ask, because some
// tests run as another account.
func NewOnDemand() (*OnDemand, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &OnDemand{listener: l}
	d.asked.Go(d.serve)
	return d, nil
}

// Environment returns the environment variable for the test binaries.
func (d *OnDemand) Environment() string { return OnDemandVariable + "=" + d.listener.Addr().String() }

// Close waits until no server is starting. EndAll then ends all of them.
func (d *OnDemand) Close() error {
	err := d.listener.Close()
	d.asked.Wait()
	return err
}

func (d *OnDemand) serve() {
	for {
		conn, err := d.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			d.asked.Go(func() { answer(conn) })
		}
	}
}

// An onDemandAnswer is the answer to the variable of a resource.
type onDemandAnswer struct{ Location, Version, Problem string }

// answer reads the variable of a resource, finds or starts the resource, and
// answers. A process that ends early gets no answer, which is no problem here.
func answer(conn net.Conn) {
	defer conn.Close()
	var variable string
	if conn.SetReadDeadline(time.Now().Add(patience)) != nil || json.NewDecoder(conn).Decode(&variable) != nil {
		return
	}
	a := onDemandAnswer{Problem: "no resource has this variable"}
	for _, r := range Resources {
		if r.Variable == variable {
			f := r.once()
			a = onDemandAnswer{Location: f.location, Version: f.version}
			if f.err != nil {
				a.Problem = f.err.Error()
			}
		}
	}
	_ = json.NewEncoder(conn).Encode(a)
}

// askOnDemand asks the OnDemand at an address for the resource of a variable.
func askOnDemand(address, variable string) findResult {
	a, err := askFor(address, variable)
	if err != nil {
		return findResult{err: fmt.Errorf("no answer from the command servers (%s=%s): %w", OnDemandVariable, address, err)}
	}
	if a.Problem != "" {
		return findResult{err: errors.New(a.Problem)}
	}
	return findResult{location: a.Location, version: a.Version}
}

func askFor(address, variable string) (a onDemandAnswer, err error) {
	conn, err := net.Dial("tcp", address) //nolint:gosec // the address of our own command
	if err != nil {
		return a, err
	}
	defer conn.Close()
	// The servers of other resources may start first.
	if err = conn.SetDeadline(time.Now().Add(15 * patience)); err != nil {
		return a, err
	}
	if err = json.NewEncoder(conn).Encode(variable); err != nil {
		return a, err
	}
	return a, json.NewDecoder(conn).Decode(&a)
}

// search finds the resource, or asks the command servers for it. The command knows only
// the resources in Resources. The user's own resources are in the environment.
func (s *Resource) search() (r findResult) {
	if address := os.Getenv(OnDemandVariable); address != "" && s.Variable != "" && os.Getenv(s.Variable) == "" {
		return askOnDemand(address, s.Variable)
	}
	r.location, r.version, r.err = s.find()
	return r
}
