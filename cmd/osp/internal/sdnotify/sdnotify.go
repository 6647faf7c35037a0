// Package sdnotify reports the state of the process to systemd, as sd_notify(3) does.
//
// The protocol is a single datagram, so the package implements it itself.
package sdnotify

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// The states of a service.
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	Watchdog = "WATCHDOG=1"
)

// Status returns the state with a text for "systemctl status".
func Status(text string) string {
	return "STATUS=" + strings.ReplaceAll(text, "\n", " ")
}

// Send sends states to systemd. It does nothing if systemd did not start the process
// with Type=notify.
func Send(states ...string) error {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	if strings.HasPrefix(address, "@") {
		address = "\x00" + address[1:] // in the abstract namespace
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err == nil {
		_, err = conn.Write([]byte(strings.Join(states, "\n")))
		_ = conn.Close() // the datagram is sent
	}
	if err != nil {
		return fmt.Errorf("cannot tell systemd about the state of the service: %w", err)
	}
	return nil
}

// WatchdogInterval returns how often systemd expects Watchdog (WatchdogSec of the unit), or 0
// if systemd does not expect it.
func WatchdogInterval() time.Duration {
	micros, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if pid := os.Getenv("WATCHDOG_PID"); err != nil || micros <= 0 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return time.Duration(micros) * time.Microsecond
}
