package testenv

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A JaegerVersion is a version of Jaeger that scripts/setup.sh builds from a nested
// module.
type JaegerVersion struct {
	name, variable, binary string
	// configured is true for Jaeger's version 2, which reads a configuration file.
	configured bool
	// agent is true if the version accepts spans by UDP.
	agent bool
}

// The versions of Jaeger. JaegerAllInOne162 is the last one whose all-in-one program
// takes spans by UDP. Jaeger176 is the program cmd/jaeger, which is version 2 of
// Jaeger.
var (
	JaegerAllInOne162 = JaegerVersion{name: "Jaeger 1.62.0 all-in-one", variable: "OSP_TEST_JAEGER162_URL", binary: "jaeger-all-in-one-v1.62.0", agent: true}
	JaegerAllInOne176 = JaegerVersion{name: "Jaeger 1.76.0 all-in-one", variable: "OSP_TEST_JAEGER176_URL", binary: "jaeger-all-in-one-v1.76.0"}
	Jaeger176         = JaegerVersion{name: "Jaeger 1.76.0 cmd/jaeger", variable: "OSP_TEST_JAEGER2_URL", binary: "jaeger-v1.76.0", configured: true, agent: true}
)

// JaegerVersions are all versions of Jaeger that tests run against.
var JaegerVersions = []JaegerVersion{JaegerAllInOne162, JaegerAllInOne176, Jaeger176}

// String returns the name of the version and of its program.
func (v JaegerVersion) String() string { return v.name }

// TakesUDP reports whether the version takes spans by UDP.
func (v JaegerVersion) TakesUDP() bool { return v.agent }

var jaegerServers = func() map[JaegerVersion]*Resource {
	all := map[JaegerVersion]*Resource{}
	for _, v := range JaegerVersions {
		all[v] = v.resource()
	}
	return all
}()

// jaegerResources returns the resources of all versions, in their order.
func jaegerResources() (all []*Resource) {
	for _, v := range JaegerVersions {
		all = append(all, jaegerServers[v])
	}
	return all
}

func (v JaegerVersion) resource() *Resource {
	return resource(Resource{
		Name:     "a server of " + v.name,
		Variable: v.variable,
		Get: "run scripts/setup.sh, or set " + v.variable + " to one of your own (http://127.0.0.1:16686, with " +
			"?otlp_grpc=4317&otlp_http=4318&thrift=14268&compact=6831 if its ports differ from these)",
		find:      v.find,
		installed: canStart(v.program()),
	})
}

// Jaeger returns the server of a version that all tests share. It keeps its traces in
// memory, and other tests write to it, so a test uses trace ids of its own.
func Jaeger(t testing.TB, v JaegerVersion) *JaegerServer {
	t.Helper()
	return jaegerAt(t, jaegerServers[v].need(t))
}

// JaegerLocation is Jaeger for programs that are not tests. It returns the location
// that [JaegerAt] takes.
func JaegerLocation(v JaegerVersion) (string, error) { return jaegerServers[v].Find() }

// StartJaeger starts a server of a version for this test only, with additional
// arguments of its program. [Server.Jaeger] returns its addresses.
func StartJaeger(t testing.TB, v JaegerVersion, args ...string) *Server {
	t.Helper()
	return start(t, jaegerServers[v], v.program(args...), Disk{})
}

// Jaeger returns the addresses of a server that StartJaeger started.
func (s *Server) Jaeger() *JaegerServer {
	s.t.Helper()
	return jaegerAt(s.t, s.p.url(s.p, s.Addr()))
}

func (v JaegerVersion) find() (location, version string, err error) {
	if location = os.Getenv(v.variable); location != "" {
		return location, "", nil
	}
	pr, err := v.program()()
	if err != nil {
		return "", "", err
	}
	p, err := launch(pr)
	if err != nil {
		return "", "", err
	}
	atEnd(p.end)
	return p.url(p, p.addr()), "", nil
}

// jaegerPorts are the ports of a server, besides the one of its HTTP API.
type jaegerPorts struct{ otlpGRPC, otlpHTTP, thrift, compact, model, health string }

func (v JaegerVersion) program(args ...string) func() (program, error) {
	return func() (program, error) {
		path, err := exec.LookPath(filepath.Join(moduleRoot(), ".cache", "bin", v.binary))
		ports := new(jaegerPorts)
		pr := program{
			name:   "Jaeger",
			signal: "KILL",
			prepare: func(p *process) error {
				if err := ports.choose(); err != nil || !v.configured {
					return err
				}
				return os.WriteFile(p.path("config.yaml"), []byte(ports.configuration(p.addr())), 0o600)
			},
			command: func(p *process) []string {
				if v.configured {
					return []string{path, "--config", p.path("config.yaml")}
				}
				return append([]string{path}, ports.arguments(p.addr(), v.agent)...)
			},
			ready: func(ctx context.Context, addr string) error { return ports.ready(ctx, addr) },
			url: func(_ *process, addr string) string {
				q := url.Values{"otlp_grpc": {ports.otlpGRPC}, "otlp_http": {ports.otlpHTTP}, "thrift": {ports.thrift}, "compact": {""}}
				if v.agent {
					q.Set("compact", ports.compact)
				}
				return "http://" + addr + "?" + q.Encode()
			},
		}
		return withArguments(pr, args), err
	}
}

func (p *jaegerPorts) choose() error {
	for _, port := range []*string{&p.otlpGRPC, &p.otlpHTTP, &p.thrift, &p.compact, &p.model, &p.health} {
		free, err := freePort()
		if err != nil {
			return err
		}
		*port = fmt.Sprint(free)
	}
	return nil
}

const loopback = "127.0.0.1:"

// arguments returns the arguments of the program all-in-one. Listeners that no test
// needs get any free port.
func (p *jaegerPorts) arguments(query string, agent bool) []string {
	args := []string{
		"--query.http-server.host-port=" + query, "--query.grpc-server.host-port=" + loopback + "0",
		"--collector.otlp.grpc.host-port=" + loopback + p.otlpGRPC, "--collector.otlp.http.host-port=" + loopback + p.otlpHTTP,
		"--collector.http-server.host-port=" + loopback + p.thrift, "--collector.grpc-server.host-port=" + loopback + p.model,
		"--admin.http.host-port=" + loopback + p.health, "--log-level=warn", "--metrics-backend=none",
	}
	if !agent {
		return args
	}
	return append(args, "--processor.jaeger-compact.server-host-port="+loopback+p.compact,
		"--processor.jaeger-binary.server-host-port="+loopback+"0", "--processor.zipkin-compact.server-host-port="+loopback+"0",
		"--reporter.grpc.host-port="+loopback+p.model, "--http-server.host-port="+loopback+"0")
}

// configuration returns the configuration of the program cmd/jaeger. Unlike its own
// default, it has no batch processor, which would delay spans.
func (p *jaegerPorts) configuration(query string) string {
	return strings.NewReplacer("QUERY", query, "GRPC", loopback+p.otlpGRPC, "HTTP", loopback+p.otlpHTTP, "THRIFT", loopback+p.thrift,
		"COMPACT", loopback+p.compact, "HEALTH", loopback+p.health).Replace(jaegerConfiguration)
}

const jaegerConfiguration = `
service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces:
      receivers: [otlp, jaeger]
      exporters: [jaeger_storage_exporter]
  telemetry:
    metrics: {level: none}
    logs: {level: warn}
extensions:
  jaeger_query:
    storage: {traces: memory}
    http: {endpoint: "QUERY"}
    grpc: {endpoint: "127.0.0.1:0"}
  jaeger_storage:
    backends:
      memory:
        memory: {max_traces: 100000}
  healthcheckv2:
    use_v2: true
    http: {endpoint: "HEALTH"}
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "GRPC"}
      http: {endpoint: "HTTP"}
  jaeger:
    protocols:
      thrift_http: {endpoint: "THRIFT"}
      thrift_compact: {endpoint: "COMPACT"}
exporters:
  jaeger_storage_exporter: {trace_storage: memory}
`

// ready returns nil if the server answers on all ports. The all-in-one programs report
// their health at /, and cmd/jaeger reports its health at /status.
func (p *jaegerPorts) ready(ctx context.Context, query string) error {
	if err := get(ctx, "http://"+loopback+p.health+"/"); err != nil {
		if err = get(ctx, "http://"+loopback+p.health+"/status"); err != nil {
			return err
		}
	}
	for _, port := range []string{p.otlpGRPC, p.otlpHTTP, p.thrift} {
		if err := listening(ctx, net.JoinHostPort("127.0.0.1", port)); err != nil {
			return err
		}
	}
	return get(ctx, "http://"+query+"/api/services")
}

func get(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", address, answer.Status)
	}
	return nil
}
