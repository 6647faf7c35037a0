package sql_test

import (
	"net"
	"strings"
	"testing"
	"time"
)

// A port that accepts connections and sends nothing, like the port of a server
// that halts, delays nobody beyond the time for connecting.
func TestSilentPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for scheme, product := range map[string]string{"postgresql": "PostgreSQL", "mysql": "MySQL"} {
		t.Run(scheme, func(t *testing.T) {
			began := time.Now()
			s, err := openAt(t.Context(), scheme+"://u:geheim@"+l.Addr().String()+"/d?connect_timeout=1")
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if want := "cannot connect to " + product + " at " + l.Addr().String() + ": no answer within connect_timeout"; err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if took := time.Since(began); took > 20*time.Second || strings.Contains(err.Error(), "geheim") {
				t.Errorf("after %v: %v", took, err)
			}
		})
	}
}
