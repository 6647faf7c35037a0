package mysql

import (
	"fmt"
	"slices"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
)

// A level says how strictly the server is verified. The names are MySQL's.
type level int

const (
	disabled       level = iota
	preferred            // TLS if the server has it, without verification
	required             // TLS, without verification
	verifyCA             // a trusted authority signed the certificate, for any host
	verifyIdentity       // a trusted authority signed the certificate for the host
)

var modes = map[string]level{
	"DISABLED": disabled, "PREFERRED": preferred, "REQUIRED": required, "VERIFY_CA": verifyCA, "VERIFY_IDENTITY": verifyIdentity,
}

// tlsOptions are the TLS options of PyMySQL and of mysqlclient, as SQLAlchemy
// 1.4 passes them on (sqlalchemy/dialects/mysql/mysqldb.py,
// pymysql/connections.py). If several options say how strictly to verify, the
// strictest one counts.
type tlsOptions struct {
	tlsconfig.Options

	given      []string // the names of the TLS options in the connection string
	mode       string
	disabled   bool
	verifyCert string
	identity   *bool // ssl_verify_identity
	hostname   *bool // ssl_check_hostname
	ssl        string
}

func takeTLS(options *connstr.Options) *tlsOptions {
	t := &tlsOptions{given: options.Starting("ssl")}
	options.Filled("ssl_mode", &t.mode)
	t.Authorities.File, t.Authorities.Directory = options.Named("ssl_ca"), options.Named("ssl_capath")
	t.Certificate, t.Key = options.Named("ssl_cert"), options.Named("ssl_key")
	t.Password.Name = "ssl_key_password"
	options.Text(t.Password.Name, &t.Password.Value)
	options.BoolAs("ssl_disabled", &t.disabled, falseWords...)
	options.Filled("ssl_verify_cert", &t.verifyCert)
	t.identity = flag(options, "ssl_verify_identity")
	t.hostname = flag(options, "ssl_check_hostname")
	options.Filled("ssl", &t.ssl)
	options.Refuse("ssl_cipher", "Go chooses the ciphers, all of which are safe")
	return t
}

// falseWords are the words that SQLAlchemy reads as false (sqlalchemy.util.asbool).
var falseWords = []string{"false", "no", "off", "n", "f", "0"}

func flag(options *connstr.Options, name string) *bool {
	if _, ok := options.Take(name); !ok {
		return nil
	}
	on := true
	options.BoolAs(name, &on, falseWords...)
	return &on
}

func isTrue(option *bool) bool { return option != nil && *option }

// level returns how strictly the options ask to verify the server.
func (t *tlsOptions) level() (level, error) {
	least := preferred
	if t.mode != "" {
		mode, ok := modes[strings.ToUpper(t.mode)]
		if !ok {
			return 0, fmt.Errorf("ssl_mode=%s should be DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY", t.mode)
		}
		least = mode
	}
	if least >= verifyCA && !t.Authorities.Given() {
		return 0, fmt.Errorf("ssl_mode=%s needs the authorities to trust, as in MySQL's own clients: option ssl_ca should name a file with them, or ssl_capath a directory", t.mode)
	}
	if t.disabled || least == disabled {
		others := slices.DeleteFunc(slices.Clone(t.given), func(name string) bool { return name == "ssl_disabled" || name == "ssl_mode" })
		if len(others) > 0 || t.disabled && least > preferred {
			return 0, fmt.Errorf("the connection string turns TLS off, and asks for it by %s; one of them should be left out", strings.Join(t.given, ", "))
		}
		return disabled, nil
	}
	asked, err := t.asked()
	return max(least, asked), err
}

// asked returns how strictly the options other than ssl_mode ask to verify the
// server. In PyMySQL each of these options asks for TLS. If authorities are
// given without ssl_verify_cert, the host is verified, too. With
// ssl_verify_cert alone, only the chain is verified.
func (t *tlsOptions) asked() (level, error) {
	if t.ssl != "" && !strings.EqualFold(t.ssl, "true") && t.ssl != "1" {
		return 0, fmt.Errorf("ssl=%s should be true; ssl_mode has the other levels", t.ssl)
	}
	if isTrue(t.identity) || isTrue(t.hostname) {
		return verifyIdentity, t.checkVerifyCert()
	}
	names := t.Authorities.Given()
	switch strings.ToLower(t.verifyCert) {
	case "":
	case "1", "true", "yes", "required", "optional":
		return verifyCA, nil
	case "0", "false", "no", "none":
		if t.identity == nil { // otherwise PyMySQL verifies, whatever ssl_verify_identity says
			return required, nil
		}
	default:
		return 0, t.checkVerifyCert()
	}
	switch {
	case t.identity != nil:
		return verifyCA, nil
	case names && t.hostname != nil:
		return verifyCA, nil
	case names && t.mode == "":
		return verifyIdentity, nil
	case names && strings.EqualFold(t.mode, "PREFERRED"):
		return preferred, nil // if the server has TLS, configure has the chain verified
	case names:
		return verifyCA, nil
	case t.mode == "" && t.asksForTLS():
		return required, nil
	}
	return preferred, nil
}

// asksForTLS reports whether there is any option that asks for TLS in PyMySQL.
func (t *tlsOptions) asksForTLS() bool {
	return slices.ContainsFunc(t.given, func(name string) bool { return name != "ssl_disabled" })
}

func (t *tlsOptions) checkVerifyCert() error {
	switch strings.ToLower(t.verifyCert) {
	case "", "1", "true", "yes", "required", "optional", "0", "false", "no", "none":
		return nil
	}
	return fmt.Errorf("ssl_verify_cert=%s should be true or false", t.verifyCert)
}

// configure sets how the driver uses TLS. Without any option, as in MySQL's own
// clients, the connection has TLS if the server has it, and the server is not
// verified.
func (t *tlsOptions) configure(c *driver.Config, host string) error {
	level, err := t.level()
	if err != nil || level == disabled {
		return err
	}
	t.ServerName = host
	switch {
	case level == verifyIdentity:
	case level == verifyCA, t.Authorities.Given() && level == preferred:
		t.Verify = tlsconfig.Chain
	default:
		t.Verify = tlsconfig.Nothing
	}
	c.AllowFallbackToPlaintext = level == preferred
	c.TLS, err = t.Config()
	return err
}
