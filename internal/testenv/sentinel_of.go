package testenv

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// SentinelOf says how one sentinel of a test's own is started.
type SentinelOf struct {
	Master         string // host:port
	MasterUser     string // of the master; "" is the default user
	MasterPassword string // of the master; "" is none
	Password       string // of the sentinel itself; "" is none
	TLS            *Certificates
}

// StartSentinel starts a sentinel that watches a master, which it calls
// mymaster. Several of one master find each other. Passwords should have no
// blanks: the sentinel writes them into its configuration as they are. With
// TLS it speaks nothing else, to the master neither.
func StartSentinel(t testing.TB, o SentinelOf) *Server {
	t.Helper()
	var lines strings.Builder
	for _, line := range []struct{ keyword, value string }{
		{"sentinel auth-user " + masterName, o.MasterUser},
		{"sentinel auth-pass " + masterName, o.MasterPassword},
		{"requirepass", o.Password},
	} {
		if line.value != "" {
			fmt.Fprintln(&lines, line.keyword, strconv.Quote(line.value))
		}
	}
	if o.TLS != nil {
		fmt.Fprintln(&lines, "tls-replication yes\ntls-auth-clients no")
	}
	return start(t, sentinelServers, func() (program, error) {
		pr, err := sentinelOf(o.Master, 1, lines.String())()
		if o.TLS != nil {
			pr = speakingTLS(pr, *o.TLS)
		}
		return pr, err
	})
}
