package testenv

import (
	"net"
	"testing"
)

// unreadDatagrams counts datagrams until they are read.
func TestUnreadDatagrams(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	addr := conn.LocalAddr().String()
	if n := unreadDatagrams(addr); n != 0 {
		t.Errorf("%d bytes wait before any came", n)
	}
	if _, err := conn.WriteTo([]byte("datagram"), conn.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if unreadDatagrams(addr) == 0 {
		t.Error("no bytes wait")
	}
	if _, _, err := conn.ReadFrom(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if n := unreadDatagrams(addr); n != 0 {
		t.Errorf("%d bytes wait after they were read", n)
	}
}
