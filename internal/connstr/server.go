package connstr

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// A Server holds the parts of a database URL except its options:
// scheme://user:password@host:port/database. Every part may be missing. A missing
// port is 0.
type Server struct {
	User, Password, Host, Database string
	Port                           int
}

// ParseServer splits a URL as SQLAlchemy does. User and password end at the first
// "@" and may have percent escapes. The name of the database has none. Errors
// quote nothing that could be a password.
func ParseServer(connectionString string) (s Server, o *Options, err error) {
	_, rest, _ := strings.Cut(connectionString, "://")
	if credentials, after, ok := strings.Cut(rest, "@"); ok && !strings.ContainsAny(firstOf(credentials, ":"), "/?") {
		rest = after
		if s.User, s.Password, err = Credentials(credentials); err != nil {
			return s, nil, err
		}
	}
	path, options := rest, ""
	if i := strings.IndexByte(rest, '?'); i >= 0 {
		path, options = rest[:i], rest[i:]
	}
	_, o = Cut(options)
	address, database, _ := strings.Cut(path, "/")
	if strings.Contains(path, "@") {
		return s, nil, errors.New(`the password of the connection string holds an "@"; it should be written %40`)
	}
	s.Database = database
	s.Host, s.Port, err = hostPort(address)
	return s, o, err
}

func firstOf(text, separator string) string {
	first, _, _ := strings.Cut(text, separator)
	return first
}

// hostPort parses host, host:port and [ipv6]:port. The host may be the folder of
// a Unix socket with its slashes percent-escaped.
func hostPort(address string) (host string, port int, err error) {
	var digits string
	if strings.HasPrefix(address, "[") && !strings.Contains(address, "]") {
		return "", 0, errors.New(`the host of the connection string begins with a "[" that no "]" closes, as in [::1]:3306`)
	}
	if ipv6, after, ok := strings.Cut(strings.TrimPrefix(address, "["), "]"); ok && address[0] == '[' {
		host, digits = ipv6, strings.TrimPrefix(after, ":")
	} else {
		host, digits, _ = strings.Cut(address, ":")
	}
	if host, err = url.PathUnescape(host); err != nil {
		return "", 0, errors.New("the host of the connection string holds a percent sign that is no escape")
	}
	if digits == "" {
		return host, 0, nil
	}
	port, err = strconv.Atoi(digits)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, errors.New("the port of the connection string should be a number from 1 to 65535 (a special character in a password should be percent-escaped)")
	}
	return host, port, nil
}
