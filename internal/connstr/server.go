package connstr

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// A Server is what SQLAlchemy finds in a URL of a database server, without its
// options: scheme://user:password@host:port/database. Every part may be
// missing; port is 0 then.
type Server struct {
	User, Password, Host, Database string
	Port                           int
}

// ParseServer takes a URL apart as SQLAlchemy does: user and password end at
// the first "@" and may hold percent escapes, the database's name holds none.
// Errors show nothing that could be a password.
func ParseServer(connectionString string) (s Server, o *Options, err error) {
	_, rest, _ := strings.Cut(connectionString, "://")
	if credentials, behind, ok := strings.Cut(rest, "@"); ok && !strings.ContainsAny(firstOf(credentials, ":"), "/?") {
		rest = behind
		user, password, _ := strings.Cut(credentials, ":")
		var err2 error
		s.User, err = url.PathUnescape(user)
		s.Password, err2 = url.PathUnescape(password)
		if errors.Join(err, err2) != nil {
			return s, nil, errors.New("the user or password of the connection string holds a percent sign that is no escape; it should be written %25")
		}
	}
	place, options := rest, ""
	if i := strings.IndexByte(rest, '?'); i >= 0 {
		place, options = rest[:i], rest[i:]
	}
	_, o = Cut(options)
	address, database, _ := strings.Cut(place, "/")
	if strings.Contains(place, "@") {
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

// hostPort reads host, host:port and [ipv6]:port; the host of a unix socket's
// folder has its slashes escaped.
func hostPort(address string) (host string, port int, err error) {
	var digits string
	if inner, behind, ok := strings.Cut(strings.TrimPrefix(address, "["), "]"); ok && address[0] == '[' {
		host, digits = inner, strings.TrimPrefix(behind, ":")
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
