package testenv

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// KafkaOptions are the differences between the Kafka server of a test and the shared one.
type KafkaOptions struct {
	// Protocol is that of the listener: PLAINTEXT (also ""), SSL, SASL_PLAINTEXT or SASL_SSL.
	// With SASL, [User] and [Writer] log in with [Password], by PLAIN, SCRAM-SHA-256 or
	// SCRAM-SHA-512.
	Protocol     string
	Certificates Certificates // for SSL and SASL_SSL
	// Advertised is the address (host:port) that the server sends to its clients, such as
	// the address of a [Proxy]. "" stands for the server's own address.
	Advertised string
	// Disk is the disk for the data; the zero Disk stands for the folder of the server.
	// The server ends when the disk is full. An empty server needs 1 MB.
	Disk     Disk
	Settings []string // of server.properties
}

// StartKafka starts a Kafka server for this test only, with additional settings of
// server.properties ("auto.create.topics.enable=false"). [Server.Kafka] returns its
// connection string.
func StartKafka(t testing.TB, settings ...string) *Server {
	t.Helper()
	return StartKafkaWith(t, KafkaOptions{Settings: settings})
}

// StartKafkaWith is StartKafka with options. If the server advertises a proxy, the test
// starts the proxy first, with any target, and then passes the address of the server to
// [Proxy.Switch].
func StartKafkaWith(t testing.TB, o KafkaOptions) *Server {
	t.Helper()
	n := &kafkaNode{KafkaOptions: o}
	s := start(t, kafkaServer, n.program, o.Disk)
	if o.Protocol == "SASL_PLAINTEXT" || o.Protocol == "SASL_SSL" {
		s.must(addScramUsers(s.Kafka()))
	}
	return s
}

// addScramUsers creates the accounts for SCRAM, which the server keeps with its data. The
// server accepts each user only once in a request.
func addScramUsers(location string) error {
	return kafkaDo(kafkaServers(location), func(ctx context.Context, c *kadm.Client) (err error) {
		for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
			var users []kadm.UpsertSCRAM
			for _, name := range []string{User, Writer} {
				users = append(users, kadm.UpsertSCRAM{User: name, Mechanism: mechanism, Iterations: 4096, Password: Password})
			}
			altered, problem := c.AlterUserSCRAMs(ctx, nil, users)
			err = errors.Join(err, problem, altered.Error())
		}
		return err
	})
}

// Kafka returns the connection string of a server that StartKafka or StartKafkaWith
// started, without a virtual host.
func (s *Server) Kafka() string { return s.KafkaAt(s.Addr()) }

// KafkaAt is Kafka for another address of the server, such as that of a [Proxy].
func (s *Server) KafkaAt(addr string) string { return s.p.url(s.p, addr) }
