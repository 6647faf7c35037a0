package main

import (
	"context"
	"errors"
	"time"

	"github.com/osprofiler-otel/osprofiler/exporter"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
	"github.com/osprofiler-otel/osprofiler/store"
)

// startReceiver takes spans by OTLP and writes them to the store, as this command does:
//
//	osp forward --follow --from otlp+http://127.0.0.1:4318 --to STORE
func startReceiver(ctx context.Context, connectionString string) (*service, error) {
	s, err := store.Open(ctx, connectionString)
	if err != nil {
		return nil, err
	}
	receiver, err := otlpreceiver.Open("otlp+http://127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	target := relay.ToStore(s)
	following, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() {
		_, err := relay.Follow(following, []relay.Source{receiver}, []relay.Target{target})
		ended <- err
	}()
	stop := func() error {
		cancel()
		return errors.Join(<-ended, receiver.Close(), target.Close(), s.Close())
	}
	return &service{"http://" + receiver.Addr().String(), stop}, nil
}

// backfill sends a trace from the store to the OTLP server, as this command does:
//
//	osp forward --from STORE --to otlp+grpc://127.0.0.1:4317 --base-id BASE_ID
func backfill(ctx context.Context, c *config, baseID string) (err error) {
	s, err := store.Open(ctx, c.store, store.WithReadOnly())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	sink, err := exporter.Open(ctx, c.otlp)
	if err != nil {
		return err
	}
	target := relay.ToExporter(sink)
	_, err = relay.Copy(ctx, relay.FromBaseIDs(s, []string{baseID}), []relay.Target{target})
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(err, target.Close(), sink.Shutdown(deadline))
}
