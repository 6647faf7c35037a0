package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisVariable names the environment variable with the user's own server. Tests
// use only empty databases of the server. Database 0 gets a key for each of them.
const RedisVariable = "OSP_TEST_REDIS_URL"

// RedisServerVariable names the environment variable with the program of the
// servers that tests start, such as the path of valkey-server.
const RedisServerVariable = "OSP_TEST_REDIS_SERVER"

var redisServer = resource(Resource{
	Name:     "a Redis server",
	Variable: RedisVariable,
	Get:      "run scripts/setup.sh, or set " + RedisVariable + " to one of your own (redis://127.0.0.1:6379/0)",
	find: func() (string, string, error) {
		return server(RedisVariable, redisProgram(), "redis://%s/0", redisVersion)
	},
	installed: canStart(redisProgram()),
	fresh:     redisDB,
})

// Redis returns the connection string of the Redis server that all tests share.
// Tests that write use [RedisDB] instead.
func Redis(t testing.TB) string {
	t.Helper()
	return redisServer.need(t)
}

// RedisDB returns the connection string of an empty database of the Redis server.
// No other test uses the database until this test ends.
func RedisDB(t testing.TB) string {
	t.Helper()
	return redisServer.database(t)
}

// NewRedisDB is RedisDB for programs that are not tests. drop releases the database.
func NewRedisDB() (url string, drop func() error, err error) { return redisServer.newDatabase() }

// StartRedis starts a Redis server for this test only, with additional arguments.
// It saves nothing to disk unless an argument says so.
func StartRedis(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartRedisOn(t, Disk{}, args...)
}

// StartRedisOn is StartRedis for a server with its data on the given disk.
func StartRedisOn(t testing.TB, d Disk, args ...string) *Server {
	t.Helper()
	return start(t, redisServer, redisProgram(args...), d)
}

// StartRedisTLS starts a Redis server for this test only. It accepts only TLS.
func StartRedisTLS(t testing.TB, c Certificates, args ...string) *Server {
	t.Helper()
	return start(t, redisServer, func() (program, error) {
		pr, err := redisProgram(args...)()
		return withTLS(pr, c), err
	}, Disk{})
}

// withTLS returns the program of Redis or a sentinel that accepts only TLS on its port.
func withTLS(pr program, c Certificates) program {
	plain := pr.command
	pr.command = func(p *process) []string {
		command := plain(p)
		if !slices.Contains(command, "--tls-auth-clients") {
			command = append(command, "--tls-auth-clients", "no")
		}
		return append(command, "--port", "0", "--tls-port", strconv.Itoa(p.port), "--tls-cert-file", c.Server,
			"--tls-key-file", c.Key, "--tls-ca-cert-file", c.Authority)
	}
	pr.ready = listening
	return pr
}

// listening returns nil if a server accepts connections at the address.
func listening(ctx context.Context, addr string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err == nil {
		err = conn.Close()
	}
	return err
}

// redisBinary returns the path of the program for Redis servers and sentinels.
func redisBinary() (path string, err error) {
	if own := os.Getenv(RedisServerVariable); own != "" {
		return exec.LookPath(own)
	}
	if path, err = exec.LookPath("redis-server"); err != nil {
		if valkey, err := exec.LookPath("valkey-server"); err == nil {
			return valkey, nil
		}
	}
	return path, err
}

func redisProgram(args ...string) func() (program, error) {
	return func() (program, error) {
		path, err := redisBinary()
		return program{
			name:   "Redis",
			signal: "KILL",
			command: func(p *process) []string {
				return append([]string{path, "--port", strconv.Itoa(p.port), "--bind", "127.0.0.1", "--dir", p.data(),
					"--save", "", "--databases", "4096", "--repl-diskless-sync-delay", "0", "--daemonize", "no"}, args...)
			},
			ready: redisReady,
		}, err
	}
}

// redisReady returns nil if the server answers, also if it asks for a password.
func redisReady(ctx context.Context, addr string) error {
	if err := listening(ctx, addr); err != nil {
		return err // the client would log this error
	}
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialTimeout: time.Second, ReadTimeout: time.Second})
	defer client.Close()
	err := client.Ping(ctx).Err()
	if err != nil && strings.HasPrefix(err.Error(), "NOAUTH") {
		return nil
	}
	return err
}

func redisVersion(ctx context.Context, url string) (string, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return "", err
	}
	client := redis.NewClient(o)
	defer client.Close()
	info, err := client.Info(ctx, "server").Result()
	if valkey := field(info, "valkey_version"); valkey != "" {
		return "(Valkey) " + valkey, err
	}
	return field(info, "redis_version"), err
}

// field returns a value from the answer of INFO.
func field(info, name string) string {
	_, rest, _ := strings.Cut(info, name+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

// freshDB is redisDB for a test.
func freshDB(t testing.TB, url string) string {
	t.Helper()
	return untilEnd(t)(redisDB(url))
}

// redisDB reserves an empty database with a key in database 0, because tests of
// several processes share the server.
func redisDB(url string) (own string, drop func() error, err error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return "", nil, err
	}
	o.DB = 0
	db, key, err := reserve(o)
	if err != nil {
		return "", nil, err
	}
	o.DB = db
	base, query, _ := strings.Cut(url, "?")
	scheme, rest, _ := strings.Cut(base, "://")
	host, _, _ := strings.Cut(rest, "/")
	if query != "" {
		query = "?" + query
	}
	return fmt.Sprintf("%s://%s/%d%s", scheme, host, db, query), func() error { return release(o, key) }, nil
}

func reserve(o *redis.Options) (db int, key string, err error) {
	ctx := context.Background()
	client := redis.NewClient(o)
	defer client.Close()
	for db := 1; ; db++ {
		key := fmt.Sprintf("osp-test:db:%d", db)
		taken, err := client.SetNX(ctx, key, os.Getpid(), time.Hour).Result()
		if err != nil {
			return 0, "", err
		}
		if !taken {
			continue
		}
		own := *o
		own.DB = db
		size, err := sizeOf(ctx, &own)
		if err != nil {
			return 0, "", errors.Join(fmt.Errorf("no database of %s is free: %w", o.Addr, err), client.Del(ctx, key).Err())
		}
		if size == 0 {
			return db, key, nil
		}
		// Somebody else uses the database. The key makes later tests skip it.
	}
}

func sizeOf(ctx context.Context, o *redis.Options) (int64, error) {
	client := redis.NewClient(o)
	defer client.Close()
	return client.DBSize(ctx).Result()
}

// release empties the database and drops its reservation. The server empties the
// database in the background, because the database may have millions of keys.
func release(o *redis.Options, key string) error {
	client := redis.NewClient(o)
	defer client.Close()
	_, err := client.Pipelined(context.Background(), func(p redis.Pipeliner) error {
		p.FlushDBAsync(context.Background())
		p.Select(context.Background(), 0)
		p.Del(context.Background(), key)
		return nil
	})
	if err != nil {
		return fmt.Errorf("database %d of %s: %w", o.DB, o.Addr, err)
	}
	return nil
}
