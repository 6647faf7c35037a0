package connstr

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Credentials splits user:password and resolves the percent escapes in the user and in
// the password. The error quotes neither the user nor the password.
func Credentials(text string) (user, password string, err error) {
	user, password, _ = strings.Cut(text, ":")
	user, err = url.PathUnescape(user)
	password, err2 := url.PathUnescape(password)
	if errors.Join(err, err2) != nil {
		return "", "", errors.New("the user or the password of the connection string holds a percent sign that is no escape; it should be written %25")
	}
	return user, password, nil
}

// Address completes host, host:port, :port, or an IPv6 address in brackets, and returns
// host:port. The arguments host and port replace an empty host and a missing port. ok is
// false for any other text.
func Address(text, host, port string) (address string, ok bool) {
	name := text
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		name, port = text[:i], text[i+1:]
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	inBrackets := strings.HasPrefix(name, "[")
	switch n, err := strconv.ParseUint(port, 10, 16); {
	case err != nil, n == 0:
		return "", false
	case inBrackets != strings.HasSuffix(name, "]"), strings.Contains(bare, ":") && !inBrackets:
		return "", false
	case strings.ContainsAny(name, " \t\r\n\"\\"):
		return "", false
	}
	if bare == "" {
		bare = host
	}
	return net.JoinHostPort(bare, port), bare != ""
}
