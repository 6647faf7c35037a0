package doctest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/exporter"
	_ "github.com/osprofiler-otel/osprofiler/exporter/all"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

const (
	hmacKey  = "example-key"
	captures = repository + "/reader/testdata/openstack/"
)

// fixtures are the traces in the store of every page, with their ages.
var fixtures = map[string]time.Duration{
	"03-keystone-user-create":        4 * time.Minute,
	"17-keystone-killed-mid-request": 8 * time.Minute,
	"06-client-bad-password":         40 * 24 * time.Hour,
	"13-client-parallel":             41 * 24 * time.Hour,
}

// A sandbox is the place in which the blocks of one page run.
type sandbox struct {
	*tools
	root    string // stands for / in the paths of the page
	home    string
	work    string   // the folder in which the commands run
	env     []string // the environment of the commands
	replace *strings.Replacer
	store   string // the connection string of the store with the fixtures
	states  int    // counts the folders of programs
}

func newSandbox(t *testing.T, x *tools, blocks []*block) *sandbox {
	t.Helper()
	root := t.TempDir()
	s := &sandbox{tools: x, root: root, home: filepath.Join(root, "home"), work: filepath.Join(root, "home", "work")}
	for _, dir := range []string{s.work, s.path("var/lib/nova"), s.path("var/lib/osprofiler"), s.path("etc/osprofiler"), s.path("backup")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, s.path("etc/osprofiler/hmac_keys"), hmacKey+"\n")
	for name, age := range fixtures {
		appendTo(t, s.path("backup/traces.jsonl"), aged(t, read(t, captures+name+".jsonl"), age))
	}
	s.store = "sqlite:///" + s.path("var/lib/osprofiler/traces.db")
	s.env = append(append(os.Environ(), x.env...),
		"HOME="+s.home, "GOBIN="+filepath.Join(s.home, "go", "bin"),
		"PATH="+filepath.Join(s.home, "go", "bin")+":"+x.bin+":"+os.Getenv("PATH"),
		"COLUMNS=80", "LC_ALL=C.UTF-8", "TZ=UTC", "NO_COLOR=1", "OTEL_BSP_SCHEDULE_DELAY=100",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://"+testenv.StartCollector(t).Address,
		"OSPROFILER_HMAC_KEYS="+hmacKey, "OSPROFILER_CONNECTION_STRING="+s.store)
	info, mac := osprofiler.TraceInfo{BaseID: osprofiler.NewID()}.Pack(hmacKey)
	s.env = append(s.env, "INFO="+info, "MAC="+mac)
	s.replace = strings.NewReplacer(s.replacements(t, blocks)...)
	if out, err := s.bash("osp forward --from file://" + s.path("backup/traces.jsonl") + " --to $OSPROFILER_CONNECTION_STRING").CombinedOutput(); err != nil {
		t.Fatalf("filling the store: %v\n%s", err, out)
	}
	return s
}

func (s *sandbox) path(name string) string { return filepath.Join(s.root, name) }

// replacements returns the texts of the page that the test replaces, each with its
// replacement.
func (s *sandbox) replacements(t *testing.T, blocks []*block) (pairs []string) {
	var all strings.Builder
	served := map[string]string{}
	for _, b := range blocks {
		all.WriteString(b.text)
		if address := b.attrs["serve"]; address != "" && served[address] == "" {
			served[address] = freeAddress(t)
			pairs = append(pairs, address, served[address])
		}
	}
	if strings.Contains(all.String(), "http://nova.example:8774") {
		address, ok := served["127.0.0.1:8774"]
		if !ok {
			address = tracedService(t, s.store)
		}
		pairs = append(pairs, "nova.example:8774", address)
	}
	if redis := "redis://127.0.0.1:6379/0"; strings.Contains(all.String(), redis) {
		pairs = append(pairs, redis, testenv.RedisDB(t))
	}
	for _, dir := range []string{"/var/lib/", "/etc/osprofiler/", "/backup/"} {
		pairs = append(pairs, dir, s.path(dir)+"/")
	}
	return append(pairs, "BASE_ID", "$(newest)")
}

// freeAddress returns an address on loopback on which nobody listens.
func freeAddress(t *testing.T) string {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// tracedService starts a service that writes the signed requests to a store, and
// returns its address.
func tracedService(t *testing.T, store string) string {
	exp, err := exporter.Open(t.Context(), store, exporter.WithProject("nova"), exporter.WithService("api"))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exp), sdktrace.WithSampler(bridge.NewSampler(nil)))
	profiler := bridge.NewProfiler(bridge.WithTracerProvider(provider), bridge.WithKeys(bridge.NewKeys(hmacKey)))
	server := httptest.NewServer(bridge.NewHandler(http.NotFoundHandler(), bridge.WithProfiler(profiler)))
	t.Cleanup(func() {
		server.Close()
		if err := provider.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server.Listener.Addr().String()
}

var timestamp = regexp.MustCompile(`("timestamp": ")([0-9T:.-]+)"`)

// aged returns notifications whose times are shifted so that the first one has the age.
func aged(t *testing.T, lines string, age time.Duration) string {
	const layout = "2006-01-02T15:04:05.000000"
	var shift time.Duration
	return timestamp.ReplaceAllStringFunc(lines, func(member string) string {
		match := timestamp.FindStringSubmatch(member)
		at, err := time.Parse(layout, match[2])
		if err != nil {
			t.Fatal(err)
		}
		if shift == 0 {
			shift = time.Now().UTC().Add(-age).Sub(at)
		}
		return fmt.Sprintf(`%s%s"`, match[1], at.Add(shift).Format(layout))
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	old, _ := os.ReadFile(path)
	write(t, path, string(old)+text)
}

// clone copies the checkout to a folder.
func (s *sandbox) clone(t *testing.T) (dir string) {
	t.Helper()
	files, err := moduleFiles()
	if err != nil {
		t.Fatal(err)
	}
	dir = s.path("clone")
	for _, f := range files {
		target := filepath.Join(dir, f.Path())
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, target, read(t, filepath.Join(repository, f.Path())))
	}
	return dir
}
