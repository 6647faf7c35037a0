package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A requestID is the value of a flag for a request id of OpenStack. A UUID alone gets the
// prefix of OpenStack's request ids.
type requestID string

// String implements pflag.Value.
func (r *requestID) String() string { return string(*r) }

// Type implements pflag.Value.
func (r *requestID) Type() string { return "request id" }

// Set implements pflag.Value.
func (r *requestID) Set(text string) error {
	if text == "" || strings.ContainsAny(text, " \t\r\n") {
		return errors.New("it should be a request id, such as req-5ee5d602-20d7-4f3c-aa40-8eccd17dfb97")
	}
	if u, ok := osprofiler.ParseUUID(text); ok && u.String() == text {
		text = "req-" + text
	}
	*r = requestID(text)
	return nil
}

// completeRequestID reads the first notifications of the newest traces and offers the
// request ids in their member info.openstack that begin with the typed text.
func completeRequestID(ctx context.Context, connection, typed string) (offers []cobra.Completion) {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	r, err := openReader(ctx, connection)
	if err != nil {
		return nil
	}
	defer func() { _ = r.Close() }() // nothing was written
	offered := map[string]bool{}
	for trace, err := range r.Traces(ctx, store.Query{Limit: completionTraces, First: true}) {
		if err != nil || trace.First == nil {
			continue
		}
		for _, id := range requestIDs(trace.First.Info) {
			if isPlainWord(id) && strings.HasPrefix(id, typed) && !offered[id] {
				offered[id] = true
				offers = append(offers, offerAs(id, trace))
			}
		}
		if len(offers) >= completionItems {
			break
		}
	}
	return offers
}

// requestIDs returns the request ids in info.openstack.
func requestIDs(info osprofiler.Info) (ids []string) {
	openstack, _ := info.Get("openstack")
	if pyjson.KindOf(openstack) != pyjson.Object {
		return nil
	}
	for _, key := range []string{"request_id", "global_request_id"} {
		raw, _ := pyjson.Get(openstack, key)
		if id, ok := pyjson.Text(raw); ok {
			ids = append(ids, id)
		}
	}
	return ids
}
