package otlpreceiver_test

import (
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
)

// blocks returns the blocks of docs/otlp-in.md that this test runs.
func blocks(t *testing.T) (page string, blocks []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/otlp-in.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)```\\w+ test=relay/otlpreceiver/page_test.go\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	return string(text), blocks
}

// block returns the block that contains a text.
func block(t *testing.T, text string) string {
	t.Helper()
	_, all := blocks(t)
	for _, b := range all {
		if strings.Contains(b, text) {
			return b
		}
	}
	t.Fatalf("no block of the page has %q", text)
	return ""
}

// The connection strings of the page are valid. The test replaces their ports by free ones,
// and their files by its own.
func TestPageConnectionStrings(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	token := t.TempDir() + "/token"
	if err := os.WriteFile(token, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := strings.NewReplacer("/etc/osp/cert.pem", c.Server, "/etc/osp/key.pem", c.Key, "/etc/osp/token", token)
	page, _ := blocks(t)
	found := regexp.MustCompile("otlp\\+\\w+://[^\\s`…]+").FindAllString(page, -1)
	for _, text := range found {
		port := regexp.MustCompile(`:431[78]`)
		open(t, files.Replace(port.ReplaceAllString(text, ":0")))
	}
	if len(found) < 5 {
		t.Errorf("the page has only %q", found)
	}
}

// The page's command that sends a span by hand works.
func TestPageByHand(t *testing.T) {
	testenv.Tool(t, "curl", "curl")
	r := open(t, free+"?osp_token=secret")
	to := (&target{}).drain(t, r)
	cmd := exec.CommandContext(t.Context(), "bash", "-euc", strings.ReplaceAll(block(t, "curl "), "127.0.0.1:4318", r.Addr().String()))
	cmd.Env = append(os.Environ(), "TOKEN=secret")
	output, err := cmd.Output()
	if err != nil || string(output) != "{}" {
		t.Errorf("%q, %v", output, err)
	}
	if got := to.operations(); got != "by hand-start by hand-stop" {
		t.Errorf("the target has %s", got)
	}
}

// The environment variables of the page work for a program with the SDK for Python.
func TestPageVariables(t *testing.T) {
	python := testenv.NewPython(t)
	r := open(t, free+"?osp_token=secret")
	to := (&target{}).drain(t, r)
	script := strings.ReplaceAll(block(t, "OTEL_EXPORTER"), "127.0.0.1:4318", r.Addr().String()) + "exec \"$PYTHON\" testdata/variables.py\n"
	cmd := exec.CommandContext(t.Context(), "bash", "-euc", script)
	cmd.Env = append(os.Environ(), "TOKEN=secret", "PYTHON="+python)
	output, err := cmd.CombinedOutput()
	if strings.Contains(string(output), "ModuleNotFoundError") {
		testenv.Missing(t, "run scripts/setup.sh: ", string(output))
	}
	if got := to.operations(); err != nil || got != "by variables-start by variables-stop" {
		t.Errorf("the target has %s: %v, %s", got, err, output)
	}
}

// The page, the package documentation and the code have the same options.
func TestPageOptions(t *testing.T) {
	_, err := otlpreceiver.Open(free + "?osp_nothing=1")
	if err == nil {
		t.Fatal("an unknown option is taken")
	}
	_, known, _ := strings.Cut(err.Error(), "knows ")
	page, _ := blocks(t)
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for option := range strings.SplitSeq(known, ", ") {
		if !strings.Contains(page, "| `"+option+"`") && !strings.Contains(page, ", `"+option+"`") || !strings.Contains(string(doc), "//\t"+option+" ") {
			t.Errorf("the page or the package documentation lacks %s", option)
		}
	}
	for _, option := range regexp.MustCompile("osp_[a-z_]+").FindAllString(page, -1) {
		if !strings.Contains(known+",", option+",") {
			t.Errorf("the page names %s, which is no option", option)
		}
	}
}

// The endpoints of the page are those of the OTLP specification.
func TestPageEndpoints(t *testing.T) {
	for text, key := range map[string]string{"[oslo_middleware_tracing]": "otlp_endpoint = ", "otlphttp/osprofiler": "endpoint: ", "OTEL_EXPORTER": "OTEL_EXPORTER_OTLP_ENDPOINT="} {
		_, after, _ := strings.Cut(block(t, text), key)
		line, _, _ := strings.Cut(after, "\n")
		if u, err := url.Parse(line); err != nil || u.Host != "127.0.0.1:4318" || u.Path != "" {
			t.Errorf("%s: %q", text, line)
		}
	}
}
