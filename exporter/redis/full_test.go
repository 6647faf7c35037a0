package redis_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A server that does not wait for its disk continues when the disk is full.
// After it has noticed the full disk, it refuses writes until there is room
// again.
func TestFullDiskUnderEverySecond(t *testing.T) {
	t.Parallel()
	d := testenv.NewDisk(t, "64m")
	server := testenv.StartRedisOn(t, d, "--appendonly", "yes", "--appendfsync", "everysec")
	s := open(t, "redis://"+server.Addr()+"?osp_legacy=no")
	write(t, s, event("A", 1))
	d.Fill()
	big := event("A", 2)
	big.Info = osprofiler.Info(`{"text": "` + strings.Repeat("x", 10_000) + `"}`)
	// A slow disk may delay the server first.
	var err error
	for began := time.Now(); (err == nil || strings.Contains(err.Error(), "did not answer")) && time.Since(began) < 2*time.Minute; time.Sleep(10 * time.Millisecond) {
		err = s.Write(t.Context(), []osprofiler.Notification{big})
	}
	var full *store.WriteError
	want := "Redis at " + server.Addr() + " answers: MISCONF Errors writing to the AOF file: No space left on device"
	if !errors.As(err, &full) || !full.Transient || full.Error() != want {
		t.Fatalf("got  %v\nwant %s", err, want)
	}
	d.Free()
	if err := (store.Retry{Elapsed: time.Minute}).Write(t.Context(), s, []osprofiler.Notification{event("A", 3)}); err != nil {
		t.Error(err)
	}
	if all, _ := collect(t, s.Notifications(t.Context(), "A")); len(all) != 3 {
		t.Errorf("%d notifications are there", len(all))
	}
}
