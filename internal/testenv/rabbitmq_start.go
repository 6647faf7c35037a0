package testenv

import (
	"crypto/rand"
	"strings"
	"testing"
)

// StartRabbitMQ starts a RabbitMQ server for this test only, with additional settings
// of rabbitmq.conf ("channel_max = 2"). [Server.RabbitMQ] returns its connection string.
func StartRabbitMQ(t testing.TB, settings ...string) *Server {
	t.Helper()
	return StartRabbitMQOn(t, Disk{}, settings...)
}

// StartRabbitMQOn is StartRabbitMQ for a server with its data on the given disk. An
// empty server needs 2 MB.
func StartRabbitMQOn(t testing.TB, d Disk, settings ...string) *Server {
	t.Helper()
	return startRabbitMQ(t, d, &rabbitNode{settings: settings})
}

// StartRabbitMQTLS starts a RabbitMQ server for this test only. It accepts only TLS. It
// verifies the certificate of a client that has one;
// "ssl_options.fail_if_no_peer_cert = true" makes it refuse other clients.
func StartRabbitMQTLS(t testing.TB, c Certificates, settings ...string) *Server {
	t.Helper()
	return startRabbitMQ(t, Disk{}, &rabbitNode{settings: settings, tls: &c})
}

func startRabbitMQ(t testing.TB, d Disk, n *rabbitNode) *Server {
	t.Helper()
	n.name, n.cookie = "osp@localhost", rand.Text()
	mapper := start(t, rabbitMQServer, epmdProgram, Disk{})
	n.epmd = mapper.p.port
	return start(t, rabbitMQServer, n.program, d)
}

// RabbitMQ returns the connection string of a server that StartRabbitMQ or
// StartRabbitMQTLS started: virtual host /, user guest, who has all rights.
func (s *Server) RabbitMQ() string { return s.RabbitMQAt(s.Addr()) }

// RabbitMQAt is RabbitMQ for another address of the server, such as that of a [Proxy].
func (s *Server) RabbitMQAt(addr string) string { return s.p.url(s.p, addr) }

// RabbitMQCtl runs rabbitmqctl on a server, and returns what it prints.
func (s *Server) RabbitMQCtl(args ...string) string {
	s.t.Helper()
	out, err := s.p.rabbit.tool(s.p, "rabbitmqctl", args...)
	s.must(err)
	return out
}

// RaiseMemoryAlarm makes the server believe that it has too little memory. It then
// blocks the connections that publish.
func (s *Server) RaiseMemoryAlarm() {
	s.t.Helper()
	s.RabbitMQCtl("set_vm_memory_high_watermark", "absolute", "1")
}

// ClearMemoryAlarm ends RaiseMemoryAlarm.
func (s *Server) ClearMemoryAlarm() {
	s.t.Helper()
	s.RabbitMQCtl("set_vm_memory_high_watermark", "absolute", rabbitMQMemory)
}

// RaiseDiskAlarm makes the server believe that its disk is nearly full. It then blocks
// the connections that publish.
func (s *Server) RaiseDiskAlarm() {
	s.t.Helper()
	s.RabbitMQCtl("set_disk_free_limit", "1000000GB")
}

// ClearDiskAlarm ends RaiseDiskAlarm.
func (s *Server) ClearDiskAlarm() {
	s.t.Helper()
	s.RabbitMQCtl("set_disk_free_limit", "1MB")
}

// CloseConnections makes the server close all connections, with error 320.
func (s *Server) CloseConnections(reason string) {
	s.t.Helper()
	s.RabbitMQCtl("close_all_connections", strings.TrimSpace(reason))
}
