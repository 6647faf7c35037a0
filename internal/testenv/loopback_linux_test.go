package testenv

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// onlyLoopback fails the test if the processes of a server listen on other addresses
// than those of the loopback interface, or the port mapper of RabbitMQ does.
func onlyLoopback(t *testing.T, s *Server) {
	t.Helper()
	own := map[string]bool{}
	for _, pid := range s.p.guard.processes() {
		descriptors, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range descriptors {
			if target, err := os.Readlink(d); err == nil { // it may be closed by now
				own[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] = true
			}
		}
	}
	found := 0
	for _, l := range listeners(t) {
		if !own[l.inode] && (s.p.rabbit == nil || !strings.HasSuffix(l.addr, fmt.Sprintf(":%04X", s.p.rabbit.epmd))) {
			continue
		}
		found++
		if !strings.HasPrefix(l.addr, "0100007F:") && !strings.HasPrefix(l.addr, "0000000000000000FFFF00000100007F:") &&
			!strings.HasPrefix(l.addr, "00000000000000000000000001000000:") {
			t.Errorf("%s listens on %s, not on the loopback interface", s.p.name, l.addr)
		}
	}
	if found == 0 {
		t.Errorf("%s listens nowhere", s.p.name)
	}
}

type listener struct{ addr, inode string }

// listeners returns all TCP sockets that listen, with addresses as Linux writes them.
func listeners(t *testing.T) (all []listener) {
	t.Helper()
	for _, path := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(path)
		if err != nil {
			continue // no such protocol
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			const listen = "0A"
			if fields := strings.Fields(lines.Text()); len(fields) > 9 && fields[3] == listen {
				all = append(all, listener{fields[1], fields[9]})
			}
		}
		f.Close()
	}
	return all
}
