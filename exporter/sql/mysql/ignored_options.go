package mysql

import (
	"context"
	"fmt"
	"net"
	"strconv"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// takeOptionsOfOtherClients takes the options of SQLAlchemy, PyMySQL and mysqlclient that do
// not concern the server, its user or TLS. An option that would change the session or whom to
// trust, and that cannot be honoured, is an error.
func takeOptionsOfOtherClients(options *connstr.Options) {
	// These options say how Python's texts are encoded. Ours are UTF-8, and the
	// server converts them.
	options.Ignore("charset", "use_unicode", "binary_prefix", "collation")
	// These options say how Python's clients and SQLAlchemy work. No server
	// gets a file from us, whatever local_infile says.
	options.Ignore("local_infile", "autocommit", "compress", "program_name", "max_allowed_packet",
		"defer_connect", "multi_statements", "reconnect", "plugin", "local_infile_dir")
	options.Ignore(ofConnectorPython...)
	// The store itself sets the mode that its statements need.
	options.Ignore("sql_mode")
	takeClientFlag(options)
	options.Refuse("named_pipe", "connections go by TCP or, with unix_socket, by a unix socket")
	for _, name := range []string{"server_public_key", "server_public_key_path"} {
		options.Refuse(name, "TLS with ssl_ca makes sure of the server")
	}
	options.Refuse("auth_plugin", "the server chooses the authentication method, and the password is never sent in clear")
}

// ofConnectorPython lists the options of MySQL Connector/Python, aiomysql and
// asyncmy that only tune these clients.
var ofConnectorPython = []string{
	"allow_local_infile", "allow_local_infile_in_path", "buffered", "conn_attrs", "consume_results", "echo", "force_ipv6",
	"get_warnings", "no_delay", "pool_name", "pool_recycle", "pool_reset_session", "pool_size", "raise_on_warnings", "raw",
	"use_pure",
}

// tuningFlags are the bits of client_flag that change neither the server to
// connect to nor what the server does: FOUND_ROWS, COMPRESS, LOCAL_FILES,
// INTERACTIVE, MULTI_STATEMENTS, MULTI_RESULTS and PS_MULTI_RESULTS.
const tuningFlags = 1<<1 | 1<<5 | 1<<7 | 1<<10 | 1<<16 | 1<<17 | 1<<18

// takeClientFlag accepts a client_flag that only tunes the client.
func takeClientFlag(options *connstr.Options) {
	text, _ := options.Take("client_flag")
	flags, err := strconv.ParseUint(text, 10, 64)
	if text != "" && (err != nil || flags&^tuningFlags != 0) {
		options.Refuse("client_flag", "it holds a flag that is not only about the client; ssl_mode=REQUIRED asks for TLS")
	}
}

// takeBindAddress makes TCP connections start at the local address
// bind_address.
func takeBindAddress(options *connstr.Options, c *driver.Config) error {
	text, _ := options.Take("bind_address")
	if text == "" || c.Net != "tcp" {
		return nil
	}
	ip := net.ParseIP(text)
	if ip == nil {
		return fmt.Errorf("option bind_address=%s of the connection string should be an IP address of this machine", text)
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: ip}}
	c.DialFunc = func(ctx context.Context, _, address string) (net.Conn, error) {
		return dialer.DialContext(ctx, "tcp", address)
	}
	return nil
}
