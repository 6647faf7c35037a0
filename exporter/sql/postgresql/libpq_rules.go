package postgresql

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
)

// applyLibpqRules adds to the driver's configuration the security rules that libpq has
// and the driver lacks: options that the driver would pass on to the server, and refusals
// of libpq. (The driver itself has sslmode, sslrootcert, sslcert, sslkey, sslpassword,
// sslcertmode, sslsni, sslnegotiation, channel_binding and require_auth.) See "Database
// Connection Control Functions" and "SSL Support" in PostgreSQL's manual, and
// fe-connect.c and fe-secure-openssl.c.
func applyLibpqRules(c *pgx.ConnConfig) error {
	tune(c)
	options := takeOptions(c)
	if options["gssencmode"] == "require" {
		return errors.New("gssencmode=require is not supported: connections are encrypted by TLS only")
	}
	if options["sslcrl"]+options["sslcrldir"] != "" {
		return errors.New("sslcrl and sslcrldir are not supported: lists of revoked certificates cannot be read")
	}
	c.ValidateConnect = validator(c.ValidateConnect)
	if peer := options["requirepeer"]; peer != "" {
		c.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, conn net.Conn) (net.Conn, error) {
			return conn, checkPeer(conn, peer)
		}
	}
	least, most, err := versions(options)
	if err != nil {
		return err
	}
	if err := guardNegotiation(c); err != nil {
		return err
	}
	return eachTLS(c, func(t *tls.Config) error {
		t.MinVersion, t.MaxVersion = least, most
		return guardTLS(t, c.SSLNegotiation == "direct")
	})
}

// takeOptions removes the options of libpq that the driver does not know and
// would send to the server, and returns them. They come from the connection
// string, a service file or, with the lowest precedence, the environment.
func takeOptions(c *pgx.ConnConfig) map[string]string {
	options := map[string]string{}
	for name, variable := range map[string]string{
		"gssencmode": "PGGSSENCMODE", "sslcrl": "PGSSLCRL", "sslcrldir": "PGSSLCRLDIR", "requirepeer": "PGREQUIREPEER",
		"ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION", "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
		// These options tune libpq's libraries and do not affect verification.
		"sslcompression": "PGSSLCOMPRESSION", "gsslib": "PGGSSLIB", "gssdelegation": "PGGSSDELEGATION",
	} {
		text, ok := c.RuntimeParams[name]
		delete(c.RuntimeParams, name)
		if !ok {
			text = os.Getenv(variable)
		}
		options[name] = text
	}
	return options
}

// validator returns a check that turns a panic of the driver's check of
// target_session_attrs into an error. The driver's check panics on a malformed
// answer of the server.
func validator(validate pgconn.ValidateConnectFunc) pgconn.ValidateConnectFunc {
	if validate == nil {
		return nil
	}
	return func(ctx context.Context, conn *pgconn.PgConn) (err error) {
		defer func() {
			if recover() != nil {
				err = errors.New("cannot check target_session_attrs: the server's answer is malformed; is it PostgreSQL?")
			}
		}()
		return validate(ctx, conn)
	}
}

// eachTLS calls f for the configuration of each host to which the driver connects
// with TLS.
func eachTLS(c *pgx.ConnConfig, f func(*tls.Config) error) error {
	configs := []*tls.Config{c.TLSConfig}
	for _, other := range c.Fallbacks {
		configs = append(configs, other.TLSConfig)
	}
	for _, t := range configs {
		if t == nil {
			continue
		}
		if err := f(t); err != nil {
			return err
		}
	}
	return nil
}

// versions reads the lowest and the highest version of TLS that the options
// allow. 0 stands for the newest. TLS 1.0 and 1.1 are not supported.
func versions(options map[string]string) (least, most uint16, err error) {
	least, err = version("ssl_min_protocol_version", options["ssl_min_protocol_version"])
	most, err2 := version("ssl_max_protocol_version", options["ssl_max_protocol_version"])
	if err := errors.Join(err, err2); err != nil {
		return 0, 0, err
	}
	least = max(least, tls.VersionTLS12)
	if most != 0 && most < least {
		return 0, 0, errors.New("ssl_max_protocol_version should not be less than ssl_min_protocol_version, and at least TLSv1.2")
	}
	return least, most, nil
}

// version reads a version of TLS in libpq's spelling.
func version(name, text string) (uint16, error) {
	switch strings.ToLower(text) {
	case "":
		return 0, nil
	case "tlsv1":
		return tls.VersionTLS10, nil
	case "tlsv1.1":
		return tls.VersionTLS11, nil
	case "tlsv1.2":
		return tls.VersionTLS12, nil
	case "tlsv1.3":
		return tls.VersionTLS13, nil
	}
	return 0, fmt.Errorf("%s=%s should be TLSv1.2 or TLSv1.3", name, text)
}

// guardNegotiation refuses sslnegotiation=direct if a connection might do
// without TLS, as libpq does.
func guardNegotiation(c *pgx.ConnConfig) error {
	switch c.SSLNegotiation {
	case "", "postgres":
		return nil
	case "direct":
	default:
		return fmt.Errorf("sslnegotiation=%s should be postgres or direct", c.SSLNegotiation)
	}
	all := append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	for _, one := range all {
		if network, _ := pgconn.NetworkAddress(one.Host, one.Port); network != "unix" && one.TLSConfig == nil {
			return errors.New("sslnegotiation=direct needs sslmode=require, verify-ca or verify-full: with a weaker one a connection might go without TLS")
		}
	}
	return nil
}

// guardTLS makes the driver verify the server in the cases in which libpq does.
// If no authorities are named, the driver uses the system's, but libpq does so
// only for sslrootcert=system. For allow and prefer, the driver verifies
// nothing, but libpq verifies the chain if there is a root certificate.
func guardTLS(t *tls.Config, direct bool) error {
	switch verifies := !t.InsecureSkipVerify || t.VerifyPeerCertificate != nil; {
	case verifies && t.RootCAs == nil:
		return errors.New("sslmode=verify-ca and sslmode=verify-full need sslrootcert: a file with the authorities to trust, or system for those of this machine")
	case !verifies && t.RootCAs != nil:
		tlsconfig.VerifyChain(t)
	}
	if list := revoked(); t.RootCAs != nil && list != "" {
		return fmt.Errorf("the file %q lists revoked certificates, which cannot be read; without it certificates are verified by their authority only", list)
	}
	if direct {
		checkProtocol(t)
	}
	return nil
}

// revoked returns the path at which libpq looks for a list of revoked certificates,
// or "" if there is no such file.
func revoked() string {
	path := atHome(".postgresql", "root.crl")
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return path
}

// checkProtocol refuses a server that does not confirm PostgreSQL's protocol,
// because TLS that begins at once might reach a server of another kind.
func checkProtocol(t *tls.Config) {
	before := t.VerifyConnection
	t.VerifyConnection = func(state tls.ConnectionState) error {
		if state.NegotiatedProtocol != "postgresql" {
			return errors.New("sslnegotiation=direct: the server does not confirm by ALPN that it speaks PostgreSQL's protocol")
		}
		if before != nil {
			return before(state)
		}
		return nil
	}
}
