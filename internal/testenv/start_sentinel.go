package testenv

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// SentinelOf is the configuration of a sentinel for a single test.
type SentinelOf struct {
	Master         string // host:port
	Name           string // the sentinel's name for the master; "" is mymaster
	MasterUser     string // "" is the default user
	MasterPassword string // "" is none
	Password       string // of the sentinel itself; "" is none
	TLS            *Certificates
}

// StartSentinel starts a sentinel that watches a master. Sentinels of one master
// find each other. Passwords must not contain blanks, because the sentinel copies
// them into its configuration without quotes. With TLS, the sentinel accepts only
// TLS and also uses TLS to the master.
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
		pr, err := watchingSentinel(name, o.Master, 1, lines.String())()
		if o.TLS != nil {
			pr = withTLS(pr, *o.TLS)
		}
		return pr, err
	}, Disk{})
}
