package loginsight

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Open opens the store that a connection string names. Open does not connect, so that
// a service starts while its server is down. The first method that needs the server
// reports what is wrong with it; [store.Store.Ping] does so on purpose.
func Open(connectionString string, opts ...Option) (*store.Store, error) {
	d, err := parse(connectionString, newConfig(opts))
	if err != nil {
		return nil, store.BadConnectionString(err)
	}
	return newStore(d), nil
}

func openConnectionString(_ context.Context, connectionString string, o store.Options) (*store.Store, error) {
	var opts []Option
	if o.ReadOnly {
		opts = append(opts, WithReadOnly())
	}
	return Open(connectionString, opts...)
}

// example is the form of a connection string.
var example = connstr.Own("loginsight://user:password@host")

// parse reads loginsight://user:password@host?options by the rules of Python's driver.
// The Python library ignores a path, and a fragment.
func parse(connectionString string, c config) (*database, error) {
	rest, o := connstr.Cut(connectionString)
	client, err := readServer(rest)
	if err != nil {
		return nil, err
	}
	if err := readOptions(o, &client, &c); err != nil {
		return nil, o.Safe(err)
	}
	made, err := NewClient(client)
	if err != nil {
		return nil, o.Safe(err)
	}
	return &database{client: made, owned: true, readOnly: c.readOnly}, nil
}

// readServer reads the connection string without its options. Errors quote nothing
// that could be a password.
func readServer(rest string) (c ClientConfig, err error) {
	_, rest, _ = strings.Cut(rest, "://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	credentials, host, _ := strings.Cut(rest, "@")
	user, password, _ := strings.Cut(credentials, ":")
	if strings.Count(rest, "@") != 1 || strings.Count(credentials, ":") != 1 {
		return c, errors.New("the connection string should read like " + example +
			`; in the user and the password "@", ":", "/", "?", "#" and "%" should be written %40, %3A, %2F, %3F, %23 and %25`)
	}
	if _, err := hostOf(host); err != nil {
		return c, fmt.Errorf("%w (in the connection string %s)", err, example)
	}
	c.Host, c.Username, c.Password = host, unquote(user), unquote(password)
	return c, nil
}

// unquote decodes the percent escapes of a text as Python's urllib does: a percent
// sign that begins no escape stays, and bytes that are no UTF-8 become U+FFFD.
func unquote(text string) string {
	var plain []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if decoded, err := url.PathUnescape(text[i : i+3]); err == nil {
				plain = append(plain, decoded...)
				i += 2
				continue
			}
		}
		plain = append(plain, text[i])
	}
	return string([]rune(string(plain)))
}

// readOptions reads the arguments of Python's client, and our own options.
func readOptions(o *connstr.Options, c *ClientConfig, config *config) error {
	queryTimeout, plain, python, verify := 0, false, false, true
	o.Int("api_port", &c.APIPort, 1)
	o.Int("api_ssl_port", &c.APISSLPort, 1)
	o.Int("query_timeout", &queryTimeout, 1) // milliseconds
	o.Duration("osp_timeout", &c.Timeout)
	o.Filled("osp_provider", &c.Provider)
	o.Bool("osp_plain_ingestion", &plain)
	o.Bool("osp_python_transport", &python)
	o.Bool("osp_verify_certs", &verify)
	o.Bool("osp_read_only", &config.readOnly)
	o.Ignore("filter_error_trace") // failed traces are found without a record
	t := tlsconfig.Options{
		Authorities: tlsconfig.Authorities{File: o.Named("osp_ca_certs")},
		Certificate: o.Named("osp_client_cert"), Key: o.Named("osp_client_key"),
	}
	if err := o.Done(); err != nil {
		return err
	}
	c.QueryTimeout = time.Duration(queryTimeout) * time.Millisecond
	c.PlainIngestion = plain || python
	if err := check(c, o, t.Authorities.Given(), verify && !python); err != nil {
		return err
	}
	if python || !verify {
		t.Verify = tlsconfig.Nothing
	}
	var err error
	c.TLS, err = t.Config()
	return err
}

// check refuses values that no server accepts, and values that contradict each other.
func check(c *ClientConfig, o *connstr.Options, hasAuthorities, verify bool) error {
	if _, given := o.Take("osp_timeout"); given && c.Timeout == 0 {
		return errors.New("option osp_timeout of the connection string should be more than 0")
	}
	switch {
	case c.APIPort > 65535 || c.APISSLPort > 65535:
		return errors.New("the options api_port and api_ssl_port of the connection string should be numbers from 1 to 65535")
	case c.Provider != "" && c.Provider != "Local" && c.Provider != "ActiveDirectory" && c.Provider != "vIDM":
		return fmt.Errorf("option osp_provider=%s of the connection string should be Local, ActiveDirectory or vIDM", c.Provider)
	case hasAuthorities && !verify:
		return errors.New("the connection string has osp_ca_certs, and an option that verifies no server (osp_verify_certs=no or osp_python_transport); one of them should be left out")
	}
	return nil
}
