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

// A share bounds what one client takes, so that a client which sends slowly, or much at
// once, leaves the rest to the others.
type share struct {
	requests *semaphore.Weighted
	reading  *semaphore.Weighted
	short    atomic.Int64 // requests that wait for a part of the share
	users    int          // requests that use the share
}

// shares has the shares of the clients that have requests now. A client is a remote
// host. On the machine of the receiver all programs have the same address, so that each
// connection is a client there.
type shares struct {
	requests, reading int64 // of one client; unbounded without a limit

	mu  sync.Mutex
	all map[string]*share
}

// unbounded is the share of each client if the connections of an address have no limit.
// All clients of a proxy have its address, and may then use all that the receiver has.
const unbounded = math.MaxInt64

// newShares returns the shares for a configuration. reading is the memory for bodies that
// are being read. A client has the same part of everything as of the connections.
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

// clientKey returns the host of an address, or all of it on this machine.
func clientKey(address string) string {
	host, isLocal := hostOf(address)
	if isLocal {
		return address
	}
	return host
}

// networkBits is the length of the IPv6 prefix that counts as one host, because one host
// may have all addresses of such a network. Link-local addresses all have the same prefix.
const networkBits = 64

// hostOf returns the host of the address of a connection, for IPv6 without a zone and as a
// network. isLocal says that it is this machine.
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

// tryAcquire takes so much of the client's part and of that of all, if it need not wait.
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

// acquireOf takes so much of one part, and counts the request as one that waits for it.
func acquireOf(ctx context.Context, part *semaphore.Weighted, waiting *atomic.Int64, size int64) bool {
	waiting.Add(1)
	defer waiting.Add(-1)
	return part.Acquire(ctx, size) == nil
}
