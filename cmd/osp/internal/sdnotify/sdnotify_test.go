//go:build unix

package sdnotify

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSend(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	if err := Send(Ready); err != nil {
		t.Error(err)
	}
	addresses := []string{filepath.Join(t.TempDir(), "notify")}
	if _, err := os.Stat("/proc/net/unix"); err == nil {
		addresses = append(addresses, "@osp-test-"+strconv.Itoa(os.Getpid()))
	}
	for _, address := range addresses {
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("NOTIFY_SOCKET", address)
		if err := Send(Ready, Status("two\nlines")); err != nil {
			t.Error(err)
		}
		buffer := make([]byte, 100)
		n, err := conn.Read(buffer)
		conn.Close()
		if got := string(buffer[:n]); err != nil || got != "READY=1\nSTATUS=two lines" {
			t.Errorf("%q, %v", got, err)
		}
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nosuch"))
	if err := Send(Ready); err == nil || !strings.Contains(err.Error(), "cannot tell systemd") {
		t.Error(err)
	}
}

func TestWatchdogInterval(t *testing.T) {
	for _, test := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"", "", 0}, {"30000000", "", 30 * time.Second}, {"30000000", strconv.Itoa(os.Getpid()), 30 * time.Second},
		{"30000000", "1", 0}, {"soon", "", 0}, {"-1", "", 0},
	} {
		t.Setenv("WATCHDOG_USEC", test.usec)
		t.Setenv("WATCHDOG_PID", test.pid)
		if got := WatchdogInterval(); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}
