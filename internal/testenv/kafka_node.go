package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A kafkaNode is a node of Kafka. It has a listener for clients, one for other brokers
// and for tests, and one for controllers.
type kafkaNode struct {
	KafkaOptions
	id         int    // 0 stands for 1, the only node
	roles      string // "broker", "controller", or "" for both
	internal   int    // the port for brokers and tests
	controller int    // the port of the controller, for the settings of brokers
	voter      int    // the id of the controller, for the settings of brokers
	writeCache bool   // whether it writes its javaCache when it ends
}

// kafkaCluster is the id of all clusters. It may be the same, because each cluster has its
// own ports.
const kafkaCluster = "osptestosptestosptestw"

func (n *kafkaNode) program() (program, error) {
	java, servers, err := javaInstallation("kafka", "kafka/state")
	return program{
		name:    "Kafka",
		signal:  "KILL",
		slow:    true,
		prepare: n.prepare,
		command: func(p *process) []string {
			return slices.Concat([]string{java}, javaCache{"kafka", n.writeCache}.flags(), []string{
				"-Xms96m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", // starts in half the time
				"-XX:-UsePerfData", "-Djava.io.tmpdir=" + p.path("tmp"), // leaves nothing in other folders
				"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED",
				"-cp", filepath.Join(servers, "kafka", "lib", "*"), "kafka.Kafka", p.path("server.properties"),
			})
		},
		ready: n.ready,
		url:   n.url,
	}, err
}

// kafkaSettings are for all nodes. With them, a consumer soon has its group and its first
// offsets.
var kafkaSettings = []string{
	"controller.listener.names=CONTROLLER", "inter.broker.listener.name=INTERNAL", "num.partitions=1", "offsets.topic.num.partitions=1",
	"offsets.topic.replication.factor=1", "transaction.state.log.num.partitions=1", "transaction.state.log.replication.factor=1",
	"transaction.state.log.min.isr=1", "share.coordinator.state.topic.num.partitions=1", "share.coordinator.state.topic.replication.factor=1",
	"share.coordinator.state.topic.min.isr=1", "group.initial.rebalance.delay.ms=0", "num.recovery.threads.per.data.dir=1",
	"log.cleaner.dedupe.buffer.size=4194304",
	// A broker that was killed rejoins the cluster only after this time.
	"broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500", "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
}

// kafkaLogin is the class that checks the account of a mechanism.
var kafkaLogin = map[string]string{
	"plain":         "plain.PlainLoginModule required user_" + User + `="` + Password + `" user_` + Writer + `="` + Password + `"`,
	"scram-sha-256": "scram.ScramLoginModule required",
	"scram-sha-512": "scram.ScramLoginModule required",
}

// prepare writes the settings, and the file that marks the data folder as formatted.
// Kafka's own tool for formatting takes another second.
func (n *kafkaNode) prepare(p *process) error {
	n.id = max(1, n.id)
	var err, err2 error
	n.internal, err = freePort()
	switch n.roles {
	case "controller":
		n.controller, n.voter = p.port, n.id
	case "":
		n.voter = n.id
		n.controller, err2 = freePort()
	}
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	kafkaInternals.set(p.addr(), "127.0.0.1:"+strconv.Itoa(n.internal))
	settings := append(n.listeners(p), "node.id="+strconv.Itoa(n.id), "log.dirs="+p.data())
	settings = append(settings, kafkaSettings...)
	for mechanism, login := range kafkaLogin {
		settings = append(settings, "listener.name.client."+mechanism+".sasl.jaas.config=org.apache.kafka.common.security."+login+";")
	}
	if strings.HasSuffix(n.Protocol, "SSL") {
		own, err := n.secure(p)
		if err != nil {
			return err
		}
		settings = append(settings, own...)
	}
	format := fmt.Sprintf("version=1\ncluster.id=%s\nnode.id=%d\n", kafkaCluster, n.id)
	return errors.Join(os.Mkdir(p.path("tmp"), 0o700), os.WriteFile(filepath.Join(p.data(), "meta.properties"), []byte(format), 0o600),
		os.WriteFile(p.path("server.properties"), []byte(overridden(append(settings, n.Settings...))), 0o600))
}

// listeners returns the settings with the addresses of the node.
func (n *kafkaNode) listeners(p *process) []string {
	protocol, advertised := n.Protocol, n.Advertised
	if protocol == "" {
		protocol = "PLAINTEXT"
	}
	if advertised == "" {
		advertised = p.addr()
	}
	internal := fmt.Sprintf("INTERNAL://127.0.0.1:%d", n.internal)
	clients, told := "CLIENT://"+p.addr()+","+internal, "CLIENT://"+advertised+","+internal
	controller := fmt.Sprintf("CONTROLLER://127.0.0.1:%d", n.controller)
	own := []string{"listener.security.protocol.map=CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:" + protocol}
	switch n.roles {
	case "controller":
		own = append(own, "process.roles=controller", "listeners="+controller)
	case "broker":
		own = append(own, "process.roles=broker", "listeners="+clients, "advertised.listeners="+told)
	default:
		own = append(own, "process.roles=broker,controller", "listeners="+clients+","+controller, "advertised.listeners="+told)
	}
	return append(own, fmt.Sprintf("controller.quorum.voters=%d@127.0.0.1:%d", n.voter, n.controller))
}

// secure writes the certificate with its key into one file.
func (n *kafkaNode) secure(p *process) (settings []string, err error) {
	key, err := os.ReadFile(n.Certificates.Key)
	if err != nil {
		return nil, err
	}
	certificate, err := os.ReadFile(n.Certificates.Server)
	if err != nil {
		return nil, err
	}
	return []string{
		"ssl.keystore.type=PEM", "ssl.keystore.location=" + p.path("keystore.pem"),
		"ssl.truststore.type=PEM", "ssl.truststore.location=" + n.Certificates.Authority,
	}, os.WriteFile(p.path("keystore.pem"), slices.Concat(key, certificate), 0o600) //nolint:gosec // the folder of our own server
}

// ready returns nil if the broker is part of its cluster. The only broker of a cluster
// must also have the topic for the offsets of consumer groups.
func (n *kafkaNode) ready(ctx context.Context, addr string) error {
	if err := listening(ctx, addr); err != nil || n.roles == "controller" {
		return err
	}
	internal := "127.0.0.1:" + strconv.Itoa(n.internal)
	client, err := kgo.NewClient(kgo.SeedBrokers(internal), kgo.DialTimeout(2*time.Second), kgo.RetryTimeout(5*time.Second))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	m, err := admin.BrokerMetadata(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(m.Brokers.NodeIDs(), int32(n.id)) {
		return fmt.Errorf("the brokers are %v, without this one", m.Brokers.NodeIDs())
	}
	if n.roles == "" {
		return admin.FindGroupCoordinators(ctx, "ready").Error()
	}
	return nil
}

// url returns the connection string for an address of the broker.
func (n *kafkaNode) url(_ *process, addr string) string {
	account, options := "", []string{}
	if n.Protocol != "" && n.Protocol != "PLAINTEXT" {
		options = append(options, "security_protocol="+n.Protocol)
	}
	if strings.HasPrefix(n.Protocol, "SASL") {
		account = User + ":" + Password + "@"
		options = append(options, "sasl_mechanism=PLAIN")
	}
	if strings.HasSuffix(n.Protocol, "SSL") {
		options = append(options, "ssl_cafile="+n.Certificates.Authority)
	}
	u := "kafka://" + account + addr + "/"
	if len(options) > 0 {
		u += "?" + strings.Join(options, "&")
	}
	return u
}
