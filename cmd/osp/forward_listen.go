package main

import (
	"net"
	"net/url"
	"strings"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/relay"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
)

// A listener is a source that listens for spans.
type listener interface {
	relay.Source
	Addr() net.Addr
}

// openListener begins to listen. A path in the connection string is the path of requests.
func (f *forward) openListener(text string) (listener, error) {
	return otlpreceiver.Open(text,
		otlpreceiver.WithConversion(convert.WithRedaction(f.redact.Redaction)), otlpreceiver.WithLogger(f.log))
}

// reaches reports whether a connection string names the address on which we listen, as far as
// the text shows.
func reaches(text string, address net.Addr) bool {
	own, ok := address.(*net.TCPAddr)
	u, err := url.Parse(strings.TrimSpace(text))
	if !ok || err != nil {
		return false
	}
	port := u.Port()
	if port == "" {
		port = "4318"
		if strings.Contains(u.Scheme, "grpc") {
			port = "4317"
		}
	}
	if _, ownPort, err := net.SplitHostPort(own.String()); err != nil || port != ownPort {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	isLoopback := host == "localhost" || ip.IsLoopback() || ip.IsUnspecified()
	return ip.Equal(own.IP) || isLoopback && (own.IP.IsLoopback() || own.IP.IsUnspecified())
}
