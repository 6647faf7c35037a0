package mongo

import (
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

const defaultPort = "27017"

// If the "@" behind a password is missing, the password is taken for a host or a
// database. So errors show neither hosts nor databases.
const passwordHint = ` (a password ends at an "@", and its own special characters are percent-escaped)`

var errHost = errors.New("the host of the connection string should be a host and a port, as in host:27017 or [::1]:27017, or the percent-escaped path of a socket" + passwordHint)

var errSRV = errors.New("a connection string that starts with mongodb+srv:// should have one host without a port, as in mongodb+srv://cluster.example.org" + passwordHint)

// These words of our errors are not URLs with a password.
var _ = []string{
	connstr.Own("starts with mongodb+srv://"), connstr.Own("as in mongodb+srv://cluster.example.org"),
}

// readServers reads the connection string between the scheme and the options.
func (t *target) readServers(rest string) (err error) {
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if err := t.readUser(rest[:at]); err != nil {
			return err
		}
		rest = rest[at+1:]
	}
	hosts, path, _ := strings.Cut(rest, "/")
	if t.path, err = url.PathUnescape(path); err != nil || strings.ContainsAny(t.path, `/\ "$`+"\x00") {
		return errors.New("the database of the connection string should be the name of the database with the users, as in " + example + passwordHint)
	}
	t.path, _, _ = strings.Cut(t.path, ".") // pymongo takes a collection, too
	return t.readHosts(hosts)
}

// readUser reads the user and the password, which are before the last "@".
func (t *target) readUser(text string) (err error) {
	if t.user, t.password, err = connstr.Credentials(text); err != nil {
		return err
	}
	if t.user == "" {
		return errors.New("the connection string has a password without a user; it should read like " + example)
	}
	t.hasUser = true
	return nil
}

func (t *target) readHosts(text string) error {
	for host := range strings.SplitSeq(text, ",") {
		addr, err := address(host)
		if err != nil {
			return err
		}
		t.hosts = append(t.hosts, addr)
	}
	if t.scheme != schemeSRV {
		return nil
	}
	host, port, err := net.SplitHostPort(t.hosts[0])
	if err != nil || len(t.hosts) > 1 || port != defaultPort || strings.Contains(text, ":") {
		return errSRV
	}
	t.hosts[0] = host
	return nil
}

// address completes host, host:port, an IPv6 address in brackets, or the path of a
// socket.
func address(text string) (string, error) {
	if plain, err := url.PathUnescape(text); err == nil && strings.HasPrefix(plain, "/") && strings.HasSuffix(plain, ".sock") {
		return plain, nil
	}
	if addr, ok := connstr.Address(text, "", defaultPort); ok && !strings.Contains(text, "%") {
		return addr, nil
	}
	return "", errHost
}
