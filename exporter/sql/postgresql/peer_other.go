//go:build !linux

package postgresql

import (
	"errors"
	"io/fs"
	"net"
)

func ownedByRoot(fs.FileInfo) bool { return false }

// checkPeer refuses unix sockets, because on this system it cannot find out
// which user serves them.
func checkPeer(conn net.Conn, _ string) error {
	if _, ok := conn.(*net.UnixConn); ok {
		return errors.New("option requirepeer is supported on Linux only")
	}
	return nil
}
