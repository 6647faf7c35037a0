package otlp

import (
	"context"
	"crypto/tls"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// A Target is a parsed connection string for tests.
type Target struct {
	Protocol, Host, Path string
	TLS                  *tls.Config
	Headers              map[string]string
	Gzip                 bool
	Timeout              string
	MaxMessageSize       int
	Prefix               string
	Join                 bool
}

// Parse parses a connection string.
func Parse(connectionString string, opts ...ConnectionOption) (Target, error) {
	c := newConfig()
	env, err := readEnvironment(&c)
	if err != nil {
		return Target{}, err
	}
	for _, opt := range opts {
		opt.applyToConnection(&c)
	}
	t, err := parse(connectionString, c, env)
	if err != nil {
		return Target{}, err
	}
	protocol := "http"
	if t.isGRPC() {
		protocol = "grpc"
	}
	if t.withTLS {
		protocol += "s"
	}
	return Target{
		Protocol: protocol, Host: t.host, Path: t.path, TLS: t.tlsOf(), Headers: t.headers, Gzip: t.gzip, Timeout: t.timeout.String(),
		MaxMessageSize: t.maxMessageSize, Prefix: t.naming.Prefix, Join: t.naming.Join,
	}, nil
}

// OfConnection returns an Exporter that gives the messages of its batches to a client.
func OfConnection(client otlptrace.Client) *Exporter {
	return newExporter(directClient{foreignClient{client}}, newConfig())
}

type directClient struct{ foreignClient }

func (d directClient) upload(ctx context.Context, spans []*tracepb.ResourceSpans) (answer, error) {
	return answer{}, d.client.UploadTraces(ctx, spans)
}
