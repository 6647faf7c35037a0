package testenv

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// SentinelOf says how one sentinel of a test's own is started.
type SentinelOf struct {
	Master         string // host:port
	Name           string // what it calls the master; "" is mymaster
	MasterUser     string // of the master; "" is the default user
	MasterPassword string // of the master; "" is none
	Password       string // of the sentinel itself; "" is none
	TLS            *Certificates
}

// StartSentinel starts a sentinel that watches a master. Several of one master
// find each other. Passwords should have no blanks: the sentinel writes them
// into its configuration as they are. With TLS it speaks nothing else, to the
// master neither.
func StartSentinel(t testing.TB, o SentinelOf) *Server {
	t.Helper()
	name := cmp.Or(o.Name, masterName)
	var lines strings.Builder
	for _, line := range []struct{ keyword, value string }{
		{"sentinel auth-user " + name, o.MasterUser},
		{"sentinel auth-pass " + name, o.MasterPassword},
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
		pr, err := sentinelOf(name, o.Master, 1, lines.String())()
		if o.TLS != nil {
			pr = speakingTLS(pr, *o.TLS)
		}
		return pr, err
	}, Disk{})
}
