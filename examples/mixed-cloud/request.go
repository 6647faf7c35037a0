package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
)

// key signs the request. The api service and the metadata service know it.
const key = "example-key"

// request sends a signed request, as the clients of OpenStack do with --os-profile.
func request(ctx context.Context, url string) (baseID string, err error) {
	baseID = osprofiler.NewID()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/servers?limit=1", http.NoBody)
	if err != nil {
		return "", err
	}
	info, mac := osprofiler.TraceInfo{BaseID: baseID, ParentID: baseID}.Pack(key)
	r.Header.Set(osprofiler.HeaderTraceInfo, info)
	r.Header.Set(osprofiler.HeaderTraceHMAC, mac)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }() // it was read
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the request failed: %s: %.200s", response.Status, body)
	}
	return baseID, err
}

// hexID returns the id that OpenTelemetry has for a trace.
func hexID(baseID string) string { return strings.ReplaceAll(baseID, "-", "") }
