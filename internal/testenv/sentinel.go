package testenv

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// SentinelVariable names the environment variable with the user's own
// sentinels: redissentinel://host:port,host:port/0?sentinel_service_name=name
const SentinelVariable = "OSP_TEST_SENTINEL_URL"

// masterName is Sentinel's default name for the master.
const masterName = "mymaster"

var sentinelServers = resource(Resource{
	Name:     "Redis Sentinel",
	Variable: SentinelVariable,
	Get:      "run scripts/setup.sh, or set " + SentinelVariable + " to one of your own (redissentinel://host:26379,host2:26379/0?sentinel_service_name=mymaster)",
	find: func() (string, string, error) {
		url := os.Getenv(SentinelVariable)
		if url == "" {
			// No test breaks the shared servers. The long timeout prevents a
			// failover on a busy machine.
			s, err := launchSentinels(time.Minute)
			if err != nil {
				return "", "", err
			}
			url = s.url()
			for _, p := range s.all() {
				atEnd(p.end)
			}
		}
		version, err := sentinelVersion(url)
		return url, version, err
	},
	installed: canStart(redisProgram()),
})

// Sentinel returns the connection string of an empty database of a Redis master
// with a replica and three sentinels. No other test uses the database until this
// test ends.
func Sentinel(t testing.TB) string {
	t.Helper()
	raw := sentinelServers.need(t)
	master, err := masterOf(raw)
	if err != nil {
		t.Fatal(err)
	}
	_, db, _ := strings.Cut(strings.TrimPrefix(freshDB(t, "redis://"+master+"/0"), "redis://"), "/")
	base, query, _ := strings.Cut(raw, "?")
	hosts, _, _ := strings.Cut(strings.TrimPrefix(base, "redissentinel://"), "/")
	return fmt.Sprintf("redissentinel://%s/%s?%s", hosts, db, query)
}

// SentinelMaster returns host:port of the current master according to the
// sentinels of a connection string.
func SentinelMaster(t testing.TB, connectionString string) string {
	t.Helper()
	addr, err := masterOf(connectionString)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// Sentinels are the master, replica and three sentinels of a single test.
type Sentinels struct {
	URL             string // redissentinel://host:port,…/0?sentinel_service_name=mymaster
	Master, Replica *Server
	Sentinels       []*Server
}

// StartSentinels starts a master, a replica and three sentinels, with additional
// arguments for master and replica. The sentinels start a failover when the
// master has not answered for a second.
func StartSentinels(t testing.TB, args ...string) *Sentinels {
	t.Helper()
	if _, err := redisProgram()(); err != nil {
		sentinelServers.skipOrFail(t, err)
		return nil
	}
	set, err := launchSentinels(time.Second, args...)
	if err != nil {
		t.Fatal(err)
	}
	own := func(p *process) *Server {
		t.Cleanup(func() {
			if err := p.end(); err != nil {
				t.Error(err)
			}
		})
		return &Server{t: t, p: p}
	}
	s := &Sentinels{URL: set.url(), Master: own(set.master), Replica: own(set.replica)}
	for _, p := range set.sentinels {
		s.Sentinels = append(s.Sentinels, own(p))
	}
	return s
}

type sentinelSet struct {
	master, replica *process
	sentinels       []*process
}

func (s *sentinelSet) all() (all []*process) {
	for _, p := range append([]*process{s.master, s.replica}, s.sentinels...) {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}

func (s *sentinelSet) url() string {
	var hosts []string
	for _, p := range s.sentinels {
		hosts = append(hosts, p.addr())
	}
	return "redissentinel://" + strings.Join(hosts, ",") + "/0?sentinel_service_name=" + masterName
}

func launchSentinels(downAfter time.Duration, args ...string) (*sentinelSet, error) {
	s := &sentinelSet{}
	err := s.launch(downAfter, args)
	if err != nil {
		for _, p := range s.all() {
			_ = p.end() // the error of launch is the cause
		}
	}
	return s, err
}

func (s *sentinelSet) launch(downAfter time.Duration, args []string) (err error) {
	one := func(pr func() (program, error)) (*process, error) {
		program, err := pr()
		if err != nil {
			return nil, err
		}
		return launch(program)
	}
	if s.master, err = one(redisProgram(args...)); err != nil {
		return err
	}
	replicaOf := []string{"--replicaof", "127.0.0.1 " + strconv.Itoa(s.master.port)}
	if s.replica, err = one(redisProgram(append(replicaOf, args...)...)); err != nil {
		return err
	}
	for range 3 {
		p, err := one(sentinelProgram(s.master.port, downAfter))
		if err != nil {
			return err
		}
		s.sentinels = append(s.sentinels, p)
	}
	return s.await()
}

func sentinelProgram(master int, downAfter time.Duration) func() (program, error) {
	return watchingSentinel(masterName, net.JoinHostPort("127.0.0.1", strconv.Itoa(master)), 2, fmt.Sprintf(
		"sentinel down-after-milliseconds %[1]s %[2]d\nsentinel failover-timeout %[1]s 5000\n", masterName, downAfter.Milliseconds()))
}

// watchingSentinel returns the program of a sentinel that watches a master, with
// additional lines in its configuration.
func watchingSentinel(name, master string, quorum int, lines string) func() (program, error) {
	return func() (program, error) {
		path, err := redisBinary()
		host, port, _ := strings.Cut(master, ":")
		return program{
			name:   "Sentinel",
			signal: "KILL",
			prepare: func(p *process) error {
				return os.WriteFile(p.path("sentinel.conf"), fmt.Appendf(nil, // the sentinel rewrites this file
					"port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor %s %s %s %d\n%s",
					p.port, p.dir, name, host, port, quorum, lines), 0o600)
			},
			command: func(p *process) []string { return []string{path, p.path("sentinel.conf"), "--sentinel"} },
			ready:   redisReady,
		}, err
	}
}

// await waits until every sentinel knows the replica and the other two.
func (s *sentinelSet) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, p := range s.sentinels {
		if err := knowsAll(ctx, p.addr()); err != nil {
			return err
		}
	}
	return nil
}

func knowsAll(ctx context.Context, sentinel string) error {
	client := redis.NewSentinelClient(&redis.Options{Addr: sentinel})
	defer client.Close()
	for {
		m, err := client.Master(ctx, masterName).Result()
		if err == nil && m["num-slaves"] == "1" && m["num-other-sentinels"] == "2" {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the sentinels do not find each other: %v, %w", m, ctx.Err())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// masterOf asks the first sentinel of a connection string for the master.
func masterOf(raw string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client := firstSentinel(raw)
	defer client.Close()
	_, query, _ := strings.Cut(raw, "?")
	name := masterName
	for option := range strings.SplitSeq(query, "&") {
		if value, ok := strings.CutPrefix(option, "sentinel_service_name="); ok {
			name = value
		}
	}
	addr, err := client.GetMasterAddrByName(ctx, name).Result()
	if err != nil {
		return "", err
	}
	return strings.Join(addr, ":"), nil
}

func firstSentinel(raw string) *redis.SentinelClient {
	hosts, _, _ := strings.Cut(strings.TrimPrefix(raw, "redissentinel://"), "/")
	addr, _, _ := strings.Cut(hosts, ",")
	return redis.NewSentinelClient(&redis.Options{Addr: addr})
}

func sentinelVersion(raw string) (string, error) {
	master, err := masterOf(raw)
	if err != nil {
		return "", err
	}
	return redisVersion(context.Background(), "redis://"+master+"/0")
}
