package testenv

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// rabbitMQScripts are the programs of RabbitMQ that do not change the account, unlike
// those in /usr/sbin.
const rabbitMQScripts = "/usr/lib/rabbitmq/bin/"

// A rabbitNode is a node of RabbitMQ. Every node or cluster has its own port mapper of
// Erlang (epmd). Otherwise the node would start one that listens on all interfaces and
// outlives it.
type rabbitNode struct {
	name         string // NAME@localhost
	cookie       string // the secret that the nodes of a cluster and their tools share
	epmd         int    // the port of the port mapper
	distribution int    // the port for other nodes and for rabbitmqctl
	management   int    // the port of the HTTP API
	settings     []string
	erlang       string // additional arguments of the virtual machine
	tls          *Certificates
}

// epmdProgram returns the program of a port mapper.
func epmdProgram() (program, error) {
	path, err := exec.LookPath("epmd")
	return program{
		name:   "epmd",
		signal: "KILL",
		command: func(p *process) []string {
			return []string{path, "-port", strconv.Itoa(p.port), "-address", "127.0.0.1"}
		},
		ready: listening,
	}, err
}

func (n *rabbitNode) program() (program, error) {
	_, err := os.Stat(rabbitMQScripts + "rabbitmq-server")
	if err == nil {
		_, err = exec.LookPath("epmd")
	}
	return program{
		name:    "RabbitMQ",
		signal:  "KILL",
		slow:    true,
		rabbit:  n,
		prepare: n.prepare,
		command: func(p *process) []string {
			return append(append([]string{"/usr/bin/env"}, n.environment(p)...), rabbitMQScripts+"rabbitmq-server")
		},
		ready: n.ready,
		url:   n.url,
	}, err
}

// rabbitMQMemory is the memory of a node above which it raises its alarm. Tests of several
// packages use the shared node at once, and must not reach it.
const rabbitMQMemory = "2GB"

// rabbitMQSettings are for all nodes. The limit of the disk is small, so that disks of tests
// can be small.
var rabbitMQSettings = []string{
	"management.tcp.ip = 127.0.0.1", "log.console = true", "log.console.level = warning", "log.file = false",
	"vm_memory_high_watermark.absolute = " + rabbitMQMemory, "disk_free_limit.absolute = 1MB", "raft.wal_max_size_bytes = 16777216",
	"collect_statistics_interval = 1000",
}

// prepare chooses the other ports and writes the settings.
func (n *rabbitNode) prepare(p *process) (err error) {
	if n.distribution, err = freePort(); err != nil {
		return err
	}
	if n.management, err = freePort(); err != nil {
		return err
	}
	settings := append([]string{"management.tcp.port = " + strconv.Itoa(n.management)}, rabbitMQSettings...)
	if n.tls == nil {
		settings = append(settings, "listeners.tcp.1 = "+p.addr())
	} else {
		settings = append(settings, "listeners.tcp = none", "listeners.ssl.1 = "+p.addr(), "ssl_options.cacertfile = "+n.tls.Authority,
			"ssl_options.certfile = "+n.tls.Server, "ssl_options.keyfile = "+n.tls.Key,
			"ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = false")
	}
	managements.set(p.addr(), n.api())
	if err := os.Mkdir(p.path("home"), 0o700); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"rabbitmq.conf": overridden(append(settings, n.settings...)), "plugins": "[rabbitmq_management].\n", "home/.erlang.cookie": n.cookie,
	} {
		if err := os.WriteFile(p.path(name), []byte(text), 0o400); err != nil {
			return err
		}
	}
	return nil
}

// overridden returns settings ("name = value") as lines. The last value of a name counts.
func overridden(settings []string) string {
	values := map[string]string{}
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		values[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	var text strings.Builder
	for name, value := range values {
		fmt.Fprintf(&text, "%s = %s\n", name, value)
	}
	return text.String()
}

// environment returns the environment variables of the node and of its tools. Nothing
// is read from the settings of the machine.
func (n *rabbitNode) environment(p *process) []string {
	return []string{
		"HOME=" + p.path("home"), "ERL_EPMD_PORT=" + strconv.Itoa(n.epmd), "ERL_EPMD_ADDRESS=127.0.0.1",
		"ERL_CRASH_DUMP_BYTES=0",
		"RUNNING_UNDER_SYSTEMD=true", // the shell then becomes the server
		"RABBITMQ_NODENAME=" + n.name, "RABBITMQ_DIST_PORT=" + strconv.Itoa(n.distribution),
		"RABBITMQ_MNESIA_BASE=" + p.data(), "RABBITMQ_LOG_BASE=" + p.path("logs"), "RABBITMQ_LOGS=-",
		"RABBITMQ_GENERATED_CONFIG_DIR=" + p.path("generated"), "RABBITMQ_PID_FILE=" + p.path("pid"),
		"RABBITMQ_CONFIG_FILE=" + p.path("rabbitmq.conf"), "RABBITMQ_ADVANCED_CONFIG_FILE=" + p.path("none"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + p.path("plugins"), "RABBITMQ_CONF_ENV_FILE=/dev/null",
		// A single scheduler that does not spin uses the least processor time. A quorum
		// queue reports its counts every half second instead of every five seconds.
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none -rabbit quorum_tick_interval 500 " + n.erlang,
	}
}

// api returns the address of the HTTP API.
func (n *rabbitNode) api() string { return "http://127.0.0.1:" + strconv.Itoa(n.management) }

// ready returns nil if the node answers, with all queues that it has.
func (n *rabbitNode) ready(ctx context.Context, addr string) error {
	if err := listening(ctx, addr); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	api := &rabbitMQAPI{bases: []string{n.api()}, user: "guest", password: "guest"}
	return api.do(ctx, http.MethodGet, "/api/health/checks/virtual-hosts", nil, nil)
}

// url returns the connection string for an address of the node.
func (n *rabbitNode) url(_ *process, addr string) string {
	u := "rabbit://guest:guest@" + addr + "/"
	if n.tls != nil {
		u += "?ssl=1&ssl_ca_file=" + n.tls.Authority
	}
	return u
}

// tool runs a tool of the node, such as rabbitmqctl, and returns its output. If a tool
// reports that the node is still starting, tool runs it again, because this happens even
// when the node serves clients already.
func (n *rabbitNode) tool(p *process, name string, args ...string) (string, error) {
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		out, err := n.runTool(p, name, args...)
		if err == nil || !strings.Contains(out, "requires the 'rabbit' app to be running") || time.Since(began) > patience {
			return out, err
		}
	}
}

func (n *rabbitNode) runTool(p *process, name string, args ...string) (string, error) {
	cmd := exec.Command(rabbitMQScripts+name, append([]string{"-q", "-n", n.name}, args...)...) //nolint:gosec // the server's own programs
	cmd.Env = append(os.Environ(), n.environment(p)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w: %.1000s", name, err, out)
	}
	return string(out), err
}
