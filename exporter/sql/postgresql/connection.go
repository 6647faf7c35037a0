package postgresql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

func openConnectionString(_ context.Context, connectionString string, o store.Options) (*store.Store, error) {
	opts := []Option{}
	if o.ReadOnly {
		opts = append(opts, WithReadOnly())
	}
	return Open(connectionString, opts...)
}

// libpq lists the options that are passed on to Open unchanged, as SQLAlchemy
// passes them on to libpq. The value lists the values that libpq accepts, if there
// are only a few.
var libpq = map[string][]string{
	"connect_timeout": nil, "application_name": nil, "fallback_application_name": nil, "options": nil, "target_session_attrs": {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"}, "passfile": nil, "service": nil, "servicefile": nil,
	"min_protocol_version": {"3.0", "3.2", "latest"}, "max_protocol_version": {"3.0", "3.2", "latest"},
	"sslmode":     {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
	"sslrootcert": nil, "sslcert": nil, "sslkey": nil, "sslpassword": nil, "sslcrl": nil, "sslcrldir": nil,
	"sslcertmode": {"disable", "allow", "require"}, "sslsni": {"0", "1"}, "sslnegotiation": {"postgres", "direct"}, "sslcompression": {"0", "1"},
	"ssl_min_protocol_version": nil, "ssl_max_protocol_version": nil,
	"channel_binding": {"disable", "prefer", "require"}, "require_auth": nil, "requirepeer": nil,
	"gssencmode": {"disable", "prefer", "require"}, "gssdelegation": {"0", "1"}, "gsslib": nil, "krbsrvname": nil,
}

// parse makes a data source in libpq's form from a URL in SQLAlchemy's form,
// and changes own by the options. filter_error_trace has no effect, because the
// database finds failed traces in the notifications.
func parse(connectionString string, own config) (dataSource string, _ config, err error) {
	server, options, err := connstr.ParseServer(connectionString)
	if err != nil {
		return "", own, err
	}
	options.Duration("osp_busy_timeout", &own.busyTimeout)
	options.Bool("osp_read_only", &own.readOnly)
	options.Bool("filter_error_trace", new(bool))
	values, err := takeServer(server, options)
	hostaddr, _ := options.Take("hostaddr")
	addresses, err2 := takeAddresses(values, hostaddr)
	own.addresses = addresses
	err = cmp.Or(err, err2, takeOptionsOfOtherClients(values, options))
	for name, allowed := range libpq {
		err = cmp.Or(err, takeOption(values, options, name, allowed))
	}
	err = cmp.Or(err, takeAsyncpgTLS(values, options))
	if err := cmp.Or(options.Done(), err, checkNumbers(values)); err != nil {
		return "", own, options.Safe(err)
	}
	return pairs(values), own, nil
}

// takeServer takes the server, the user and the database from the URL and from
// options. As in SQLAlchemy, options take precedence. Empty options count as
// missing.
func takeServer(server connstr.Server, options *connstr.Options) (map[string]string, error) {
	take := func(name string) string {
		text, _ := options.Take(name)
		return text
	}
	values := map[string]string{
		"user": cmp.Or(take("user"), server.User), "password": cmp.Or(take("password"), server.Password),
		"dbname": cmp.Or(take("database"), server.Database),
	}
	if name := take("dbname"); name != "" {
		if values["dbname"] != "" && values["dbname"] != name { // psycopg2 refuses both, too
			return values, fmt.Errorf("option dbname=%s of the connection string and its database %q should be the same", name, values["dbname"])
		}
		values["dbname"] = name
	}
	return values, takeHosts(values, server, options.Each("host"), take("port"))
}

// takeOption takes one of libpq's options. allowed lists its values if there
// are only a few.
func takeOption(values map[string]string, options *connstr.Options, name string, allowed []string) error {
	var text string
	if strings.HasPrefix(name, "ssl") || allowed != nil || name == "require_auth" || name == "requirepeer" {
		options.Filled(name, &text)
	} else {
		options.Text(name, &text)
	}
	if text != "" && allowed != nil && !slices.Contains(allowed, text) {
		return fmt.Errorf("option %s=%s of the connection string should be one of %s", name, text, strings.Join(allowed, ", "))
	}
	values[name] = text
	return nil
}

// takeAsyncpgTLS takes the option ssl of asyncpg, which has the values of sslmode.
func takeAsyncpgTLS(values map[string]string, options *connstr.Options) error {
	text := map[string]string{}
	if err := takeOption(text, options, "ssl", libpq["sslmode"]); err != nil || text["ssl"] == "" {
		return err
	}
	if mode := values["sslmode"]; mode != "" && mode != text["ssl"] {
		return fmt.Errorf("options ssl=%s and sslmode=%s of the connection string should be the same", text["ssl"], mode)
	}
	values["sslmode"] = text["ssl"]
	return nil
}

// checkNumbers returns an error about a port or a time that is not a valid number.
// An empty port in a list stands for the default port.
func checkNumbers(values map[string]string) error {
	for port := range strings.SplitSeq(values["port"], ",") {
		if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) {
			return fmt.Errorf("the port %q of the connection string should be a number from 1 to 65535", port)
		}
	}
	if text := values["connect_timeout"]; text != "" {
		if _, err := strconv.Atoi(text); err != nil {
			return fmt.Errorf("option connect_timeout=%s of the connection string should be a whole number of seconds", text)
		}
	}
	return nil
}

// takeHosts reads the hosts. SQLAlchemy has two forms for several hosts:
// host=a:1&host=b:2, and host=a,b&port=1,2. Both take precedence over the host
// of the URL. The two forms cannot be mixed.
func takeHosts(values map[string]string, server connstr.Server, given []string, port string) error {
	values["host"] = server.Host
	if server.Port != 0 {
		port = cmp.Or(port, strconv.Itoa(server.Port))
	}
	values["port"] = port
	var hosts, ports []string
	for text := range strings.SplitSeq(strings.Join(given, ","), ",") {
		host, port := splitHost(text, len(given) > 1)
		hosts, ports = append(hosts, host), append(ports, port)
	}
	inside := strings.Trim(strings.Join(ports, ""), " ") != ""
	if text := strings.Join(hosts, ","); text != "" {
		values["host"] = text
	}
	if (inside || len(given) > 1) && port != "" {
		return errors.New("the connection string gives ports in two ways; it should read like host=a:1&host=b:2, or like host=a,b&port=1,2")
	}
	if inside {
		values["port"] = strings.Join(ports, ",")
	}
	return nil
}

// splitHost reads host, host:port, an IPv6 address, [address] and [address]:port.
// The folder of a unix socket is a host, too. As in SQLAlchemy, a port may follow
// a folder only if the option host is repeated.
func splitHost(text string, repeated bool) (host, port string) {
	if i := strings.LastIndexByte(text, ':'); repeated && strings.HasPrefix(text, "/") && isNumber(text[i+1:]) {
		return text[:i], text[i+1:]
	}
	switch inner, behind, ok := strings.Cut(strings.TrimPrefix(text, "["), "]"); {
	case ok && text[0] == '[':
		return inner, strings.TrimPrefix(behind, ":")
	case strings.Count(text, ":") != 1, strings.HasPrefix(text, "/"):
		return text, ""
	}
	host, port, _ = strings.Cut(text, ":")
	return host, port
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}

// pairs returns the values that are not empty in the form that libpq reads.
func pairs(values map[string]string) string {
	var all []string
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for name, value := range values {
		if value != "" {
			all = append(all, name+"='"+quoted.Replace(value)+"'")
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
