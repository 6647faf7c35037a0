package postgresql

import (
	"fmt"
	"io/fs"
	"net"
	"os/user"
	"strconv"
	"syscall"
)

func ownedByRoot(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == 0
}

// checkPeer returns an error if the server at the other end of a unix socket
// runs as a user other than want. Other kinds of connections have no such user,
// and libpq does not check them either.
func checkPeer(conn net.Conn, want string) error {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	var peer *syscall.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		peer, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("requirepeer: %w", failed)
	}
	id := strconv.FormatUint(uint64(peer.Uid), 10)
	account, err := user.LookupId(id)
	if err != nil {
		return fmt.Errorf("requirepeer: the server runs as user %s, of whom there is no name: %w", id, err)
	}
	if account.Username != want {
		return fmt.Errorf("requirepeer=%s: the server runs as the user %q", want, account.Username)
	}
	return nil
}
