package messaging

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// brokerRabbitMQ and brokerKafka are the brokers.
const (
	brokerRabbitMQ = "RabbitMQ"
	brokerKafka    = "Kafka"
)

// A transport has the parts of a transport URL:
// driver://[user:password@]host:port[,[user:password@]host:port…]/virtual_host
type transport struct {
	scheme      string // in lower case
	broker      string // brokerRabbitMQ or brokerKafka
	withTLS     bool   // the scheme demands TLS
	servers     []bus.Server
	virtualHost string
}

// These errors quote nothing, because a password with a character that is not percent-escaped
// extends into the parts after it.
var (
	errNoURL = errors.New("the transport URL should begin with a driver, as in rabbit://host")
	errHash  = errors.New(`the transport URL contains a "#", which should be written %23`)
	errAt    = errors.New(`the transport URL contains an "@" behind its hosts: a "/" or "?" in a password should be written %2F or %3F, and an "@" in a virtual host %40`)
	errHost  = errors.New("a host of the transport URL should be a host and a port, as in host:5672 or [::1]:5672 (a password ends at an \"@\", and its own special characters are percent-escaped)")
)

var _ = connstr.Own("as in rabbit://host")

// parseTransport parses a transport URL as TransportURL.parse of oslo.messaging does
// (oslo_messaging/transport.py). It returns the query options, which begin with a "?" if there
// are any.
//
// Each host has its own credentials. A host without credentials does not inherit those of
// another host. The virtual host is the path without its first slash.
func parseTransport(text string) (t transport, options string, err error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return t, "", errNoURL
	}
	t.scheme = strings.ToLower(strings.TrimSpace(scheme))
	if err := t.chooseBroker(); err != nil {
		return t, "", err
	}
	rest, options = cutOptions(rest)
	hosts, path, _ := strings.Cut(rest, "/")
	switch {
	case strings.Contains(rest, "#"):
		return t, "", errHash
	case strings.Contains(path, "@"), !strings.Contains(hosts, "@") && strings.Contains(options, "@"):
		return t, "", errAt
	}
	t.virtualHost = unquote(path)
	for host := range strings.SplitSeq(hosts, ",") {
		if host == "" {
			continue
		}
		server, err := parseServer(host)
		if err != nil {
			return t, "", err
		}
		t.servers = append(t.servers, server)
	}
	return t, options, t.complete()
}

// cutOptions splits a URL before its first "?".
func cutOptions(rest string) (before, options string) {
	if i := strings.IndexByte(rest, '?'); i >= 0 {
		return rest[:i], rest[i:]
	}
	return rest, ""
}

// kombuTransports are the transports of the kombu library that use AMQP 0-9-1. Oslo.messaging
// passes the part of the driver's name after a "+" to kombu.
var kombuTransports = map[string]bool{"": true, "amqp": true, "pyamqp": true, "librabbitmq": true, "amqps": true}

// chooseBroker finds the broker that the scheme names. Oslo.messaging loads the driver whose
// name precedes the "+".
func (t *transport) chooseBroker() error {
	name, extra, _ := strings.Cut(t.scheme, "+")
	switch {
	case (name == "rabbit" || name == "kombu") && kombuTransports[extra]:
		t.broker, t.withTLS = brokerRabbitMQ, extra == "amqps"
	case t.scheme == "amqp" || t.scheme == "amqps":
		t.broker, t.withTLS = brokerRabbitMQ, t.scheme == "amqps"
	case name == "kafka":
		t.broker = brokerKafka
	case name == "rabbit", name == "kombu":
		return fmt.Errorf("driver %q of the transport URL is not supported; of kombu's transports, only amqp, pyamqp, librabbitmq and amqps are", t.scheme)
	default:
		return fmt.Errorf("driver %s of the transport URL is not supported; it should be rabbit, kombu, amqp, amqps or kafka", quotedDriver(t.scheme))
	}
	return nil
}

// quotedDriver quotes the name of a driver, unless it may be a part of a password.
func quotedDriver(scheme string) string {
	for _, c := range scheme {
		if (c < 'a' || c > 'z') && !strings.ContainsRune("0123456789+-.", c) {
			return "(not shown)"
		}
	}
	return strconv.Quote(scheme)
}

// parseServer parses [user[:password]@]host[:port], as oslo.messaging and
// netutils.parse_host_port of oslo.utils do.
func parseServer(text string) (s bus.Server, err error) {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		user, password, _ := strings.Cut(text[:at], ":")
		s.User, s.Password = unquote(user), unquote(password)
		text = text[at+1:]
	}
	s.Host, s.Port, err = hostPort(text)
	return s, err
}

// hostPort splits an address. An IPv6 address with a port must be in brackets. Without a port,
// the brackets are optional.
func hostPort(text string) (host, port string, err error) {
	hasPort := false
	switch {
	case strings.HasPrefix(text, "["):
		var after string
		if host, after, hasPort = strings.Cut(text[1:], "]"); !hasPort {
			return "", "", errHost
		}
		if port, hasPort = strings.CutPrefix(after, ":"); !hasPort && after != "" {
			return "", "", errHost
		}
	case strings.Count(text, ":") == 1:
		host, port, hasPort = strings.Cut(text, ":")
	default:
		host = text
	}
	if strings.ContainsAny(host, " \t\r\n\"'[]") {
		return "", "", errHost
	}
	if !hasPort {
		return host, "", nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", "", errHost
	}
	if n == 0 {
		return host, "", nil // as in oslo.messaging, 0 selects the default
	}
	return host, strconv.FormatUint(n, 10), nil
}

// unquote decodes percent escapes as Python's unquote does: a percent sign that begins no
// escape stays, and bytes that are not UTF-8 become U+FFFD.
func unquote(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var plain strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+3 <= len(text) {
			if c, err := url.PathUnescape(text[i : i+3]); err == nil {
				plain.WriteString(c)
				i += 2
				continue
			}
		}
		plain.WriteByte(text[i])
	}
	return strings.ToValidUTF8(plain.String(), "\uFFFD")
}

// complete fills in the missing parts of the URL, with kombu's defaults for RabbitMQ. Kafka
// has no default host, because librdkafka has none.
func (t *transport) complete() error {
	if t.broker == brokerKafka {
		if len(t.servers) == 0 {
			return errors.New("the transport URL names no host; it should read like kafka://host:9092")
		}
		for i := range t.servers {
			fill(&t.servers[i], "localhost", "9092", "", "")
		}
		return nil
	}
	if len(t.servers) == 0 {
		t.servers = []bus.Server{{}}
	}
	port := "5672"
	if t.scheme == "amqps" {
		port = "5671"
	}
	for i := range t.servers {
		fill(&t.servers[i], "localhost", port, "guest", "guest")
	}
	if t.virtualHost == "" {
		t.virtualHost = "/"
	}
	return nil
}

var _ = connstr.Own("should read like kafka://host:9092")

// fill sets the parts of a server that are empty.
func fill(s *bus.Server, host, port, user, password string) {
	s.Host, s.Port = cmp.Or(s.Host, host), cmp.Or(s.Port, port)
	s.User, s.Password = cmp.Or(s.User, user), cmp.Or(s.Password, password)
}
