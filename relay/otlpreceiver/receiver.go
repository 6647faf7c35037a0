package otlpreceiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/semaphore"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/otlppb"
	"github.com/osprofiler-otel/osprofiler/internal/sink"
)

// A Receiver listens for OTLP clients. It is a [relay.Source] and a [relay.Leaver]. It yields
// the notifications of the spans that the clients send.
type Receiver struct {
	*config

	name    string
	address net.Addr
	server  server

	connections *connections
	served      chan struct{}   // closed when the server has ended
	closing     context.Context // ends when Close begins
	beginEnd    context.CancelFunc
	closeOnce   sync.Once

	requests   *semaphore.Weighted // the number of admitted requests
	reading    *semaphore.Weighted // bytes of bodies that are being read
	short      atomic.Int64        // requests that wait for an admission or for a part of reading
	shares     *shares             // of requests and reading, by client
	converting *semaphore.Weighted // requests that are being converted
	queue      *queue
	decoder    *otlppb.Decoder
	converter  *convert.Converter
	counters   counters
	reports    reports
}

// A server serves one of the two protocols.
type server interface {
	// serve serves until the server is stopped.
	serve(l net.Listener) error
	// stop answers the requests in progress until the context ends, and then closes all
	// connections.
	stop(ctx context.Context)
}

// Open listens at the address of a connection string. It fails if the string is wrong, a file
// cannot be read, or the address is in use.
func Open(connectionString string, opts ...Option) (*Receiver, error) {
	c, err := parse(connectionString, opts)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", c.address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for OTLP at %s: %w", c.address, cause(err))
	}
	reading := int64(max(c.maxMemory/readingPart-c.maxMemory/firstParts, c.maxMessage))
	r := &Receiver{
		config: c, address: listener.Addr(),
		served:     make(chan struct{}),
		requests:   semaphore.NewWeighted(int64(c.maxRequests)),
		reading:    semaphore.NewWeighted(reading),
		shares:     newShares(c, reading),
		converting: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))),
		queue:      newQueue(c.maxMemory - c.maxMemory/readingPart),
		decoder:    &otlppb.Decoder{Original: sink.Original},
		converter:  convert.New(c.conversion...),
	}
	r.connections = newConnections(netutil.LimitListener(listener, c.maxConnections), c.maxAddressConnections, r.refusedConnection)
	r.closing, r.beginEnd = context.WithCancel(context.Background())
	r.name = "OTLP/HTTP at " + r.address.String()
	r.server = newHTTPServer(r)
	if c.grpc {
		r.name = "OTLP/gRPC at " + r.address.String()
		r.server = newGRPCServer(r)
	}
	r.reports.log = c.log
	r.warnOfOpenness()
	go func() {
		defer close(r.served)
		if err := r.server.serve(r.connections); err != nil {
			r.log.Error("the OTLP receiver has ended", "source", r.name, "error", err)
			r.queue.fail(fmt.Errorf("the receiver of %s has ended: %w", r.name, err))
		}
	}()
	return r, nil
}

// refusedConnection reports a connection that was closed because its address has too many.
func (r *Receiver) refusedConnection(address string) {
	r.reports.warn("a connection was closed, because its address has as many as one may have", "source", r.name, "client", address,
		"limit", r.maxAddressConnections, "option", "osp_max_address_connections")
}

// warnOfOpenness warns if the receiver takes spans from any program in the network.
func (r *Receiver) warnOfOpenness() {
	if r.token == "" && (r.tls == nil || r.tls.ClientCAs == nil) && !isLoopback(r.address.String()) {
		r.log.Warn("any program that reaches this address can send spans; a token (osp_token_file) or client certificates (osp_client_ca_certs) would prevent that", "source", r.name)
	}
}

// Addr returns the address at which the receiver listens.
func (r *Receiver) Addr() net.Addr { return r.address }

// closeTime is how long Close waits until the clients have their answers.
const closeTime = 2 * time.Second

// Close implements [relay.Source]. It answers the waiting requests as unavailable, so that
// their clients send them again, and closes all connections.
func (r *Receiver) Close() error {
	r.closeOnce.Do(func() {
		r.queue.close()
		r.beginEnd()
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		stop := context.AfterFunc(ctx, func() { r.connections.end(true) })
		defer stop()
		r.connections.end(false)
		r.server.stop(ctx)
		<-r.served
	})
	return nil
}

// cause returns the cause of an error of package net, without the address.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
