package mongo_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// While the server does not answer, a call with a short timeout does not wait for a call
// with a long one.
func TestCallsDoNotWaitForEachOther(t *testing.T) {
	proxy := testenv.NewProxy(t, strings.TrimSuffix(strings.TrimPrefix(first(testenv.MongoDB(t)), "mongodb://"), "/"))
	proxy.Blackhole(true)
	s := open(t, "mongodb://"+proxy.Addr()+"/?directConnection=true&serverSelectionTimeoutMS=60000")
	batch := []osprofiler.Notification{notification("a-start", `{}`)}
	patient, cancel := context.WithTimeout(t.Context(), time.Minute)
	ended := make(chan error, 1)
	go func() { ended <- s.Write(patient, batch) }()
	for proxy.Clients() == 0 { // until it waits for the server
		time.Sleep(time.Millisecond)
	}
	hurried, cancel2 := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel2()
	if err := s.Write(hurried, batch); err == nil {
		t.Error("a write succeeds")
	}
	select {
	case err := <-ended:
		t.Errorf("the call with little time ended after the other one: %v", err)
	default:
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("the first write succeeds")
	}
}

func first(connectionString string) string {
	server, _, _ := strings.Cut(connectionString, "?")
	return server
}
