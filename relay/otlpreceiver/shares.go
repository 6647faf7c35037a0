package otlpreceiver

import (
	"context"
	"math"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// A share bounds what one client uses, so that a client which sends slowly, or sends much at
// once, leaves the rest to the others.
type share struct {
	requests *semaphore.Weighted
	reading  *semaphore.Weighted
	short    atomic.Int64 // requests that wait for a part of the share
	users    int          // requests that use the share
}

// shares has the shares of the clients that have requests now. A client is a remote host.
// Programs on the receiver's machine all have the same address. So each of their connections
// is a client.
type shares struct {
	requests, reading int64 // the limits of one client; unbounded if there is none

	mu  sync.Mutex
	all map[string]*share
}

// unbounded is the share of each client if the connections of an address have no limit. All
// clients of a proxy have the proxy's address, and may then use all resources of the
// receiver.
const unbounded = math.MaxInt64

// newShares returns the shares for a configuration. reading is the memory for bodies that are
// being read. A client gets the same part of requests and memory as of connections.
func newShares(c *config, reading int64) *shares {
	s := &shares{requests: unbounded, reading: unbounded, all: map[string]*share{}}
	if c.limitsAddresses() {
		part := float64(c.maxAddressConnections) / float64(c.maxConnections)
		s.requests = max(int64(part*float64(c.maxRequests)), 1)
		s.reading = max(int64(part*float64(reading)), int64(c.maxMessage))
	}
	return s
}

// enter returns the share of the client at an address. The caller calls leave in the end.
func (s *shares) enter(address string) (own *share, leave func()) {
	key := clientKey(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	own = s.all[key]
	if own == nil {
		own = &share{requests: semaphore.NewWeighted(s.requests), reading: semaphore.NewWeighted(s.reading)}
		s.all[key] = own
	}
	own.users++
	return own, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(s.all, key)
		}
	}
}

// clientKey returns the host of an address, or the whole address if it is of this machine.
func clientKey(address string) string {
	host, isLocal := hostOf(address)
	if isLocal {
		return address
	}
	return host
}

// networkBits is the length of the IPv6 prefix that counts as one host, because one host may
// have all addresses of such a network. Link-local addresses are not shortened, because they
// all have the same prefix.
const networkBits = 64

// hostOf returns the host of the address of a connection. An IPv6 address becomes its network
// and loses its zone. isLocal is true if the host is this machine.
func hostOf(address string) (host string, isLocal bool) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address, true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host, true
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return ip.String(), ip.IsLoopback()
	}
	return netip.PrefixFrom(ip, networkBits).Masked().String(), false
}

// tryAcquire takes size from the client's part and from that of all clients if it need not
// wait.
func tryAcquire(own, all *semaphore.Weighted, size int64) bool {
	if !own.TryAcquire(size) {
		return false
	}
	if !all.TryAcquire(size) {
		own.Release(size)
		return false
	}
	return true
}

// acquireOf takes size from one part. Meanwhile the request is counted as waiting for that
// part.
func acquireOf(ctx context.Context, part *semaphore.Weighted, waiting *atomic.Int64, size int64) bool {
	waiting.Add(1)
	defer waiting.Add(-1)
	return part.Acquire(ctx, size) == nil
}
