package main

import (
	"context"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/store"
)

// What a user waits for at most after pressing Tab, and is offered.
const (
	completionTime  = 2 * time.Second
	completionItems = 50
)

// completeBaseID offers the newest traces of the store with their times.
// Whatever goes wrong, there is just nothing to offer.
func completeBaseID(ctx context.Context, connection, typed string) (offers []string) {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	r, err := openReader(ctx, connection, false)
	if err != nil {
		return nil
	}
	defer func() { _ = r.Close() }() // nothing was written
	for trace, err := range r.Traces(ctx, store.Query{Limit: completionItems}) {
		if err == nil && strings.HasPrefix(trace.BaseID, typed) && trace.BaseID == printable(trace.BaseID) {
			offers = append(offers, trace.BaseID+"\t"+printable(trace.Timestamp))
		}
	}
	return offers
}
