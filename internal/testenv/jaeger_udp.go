package testenv

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// AwaitDatagrams waits until the server has read the datagrams that have come to its port
// for thrift. The system drops datagrams for which its buffer has no room, and nothing
// repeats them. On another system than Linux it does not wait.
func (j *JaegerServer) AwaitDatagrams() {
	j.t.Helper()
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		unread := unreadDatagrams(j.Compact)
		if unread == 0 {
			return
		}
		if time.Since(began) > patience {
			j.t.Fatalf("Jaeger leaves %d bytes of datagrams unread at %s", unread, j.Compact)
		}
	}
}

// unreadDatagrams returns the size of the datagrams that wait in the sockets of a port.
func unreadDatagrams(addr string) (bytes uint64) {
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	for _, name := range []string{"/proc/net/udp", "/proc/net/udp6"} {
		table, err := os.ReadFile(name)
		if err != nil {
			continue // there is no IPv6, or this is another system
		}
		for line := range strings.Lines(string(table)) {
			fields := strings.Fields(line) // sl local_address rem_address st tx_queue:rx_queue …
			if len(fields) < 5 || !strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
				continue
			}
			_, queue, _ := strings.Cut(fields[4], ":")
			if size, err := strconv.ParseUint(queue, 16, 64); err == nil {
				bytes += size
			}
		}
	}
	return bytes
}
