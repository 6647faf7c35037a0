package testenv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.MaxRetries = -1
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestRedisIsKilledHaltedAndRestarted(t *testing.T) {
	t.Parallel()
	s := StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	c := client(t, "redis://"+s.Addr())
	if err := c.Set(t.Context(), "key", "kept", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.Get(ctx, "key").Err(); err == nil {
		t.Error("a halted server answers")
	}
	s.Continue()
	if got, err := c.Get(t.Context(), "key").Result(); got != "kept" || err != nil {
		t.Errorf("after going on: %q, %v", got, err)
	}
	s.Kill()
	if _, err := net.DialTimeout("tcp", s.Addr(), time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a killed server: %v", err)
	}
	addr := s.Addr()
	s.Restart()
	if got, err := c.Get(t.Context(), "key").Result(); got != "kept" || err != nil || s.Addr() != addr {
		t.Errorf("after a restart on %s, formerly %s: %q, %v", s.Addr(), addr, got, err)
	}
	s.Restart() // while the server runs
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

func TestPostgreSQLIsKilledHaltedAndRestarted(t *testing.T) {
	t.Parallel()
	s := StartPostgreSQL(t, "-c", "shared_buffers=16MB")
	if err := postgreSQLDo(s.PostgreSQL(), "CREATE TABLE kept (id int)"); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := postgreSQLVersion(ctx, s.PostgreSQL()); err == nil {
		t.Error("a halted server answers")
	}
	s.Continue()
	s.Restart()
	if err := postgreSQLDo(s.PostgreSQL(), "DROP TABLE kept"); err != nil {
		t.Error(err, s.Log())
	}
}

func TestMariaDBIsKilledHaltedAndRestarted(t *testing.T) {
	t.Parallel()
	s := StartMariaDB(t)
	if err := mariaDBDo(s.MariaDB(), "CREATE TABLE kept (id int)"); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := mariaDBVersion(ctx, s.MariaDB()); err == nil {
		t.Error("a halted server answers")
	}
	s.Continue()
	s.Restart()
	if err := mariaDBDo(s.MariaDB(), "DROP TABLE kept"); err != nil {
		t.Error(err, s.Log())
	}
}

func TestSentinelsFailOver(t *testing.T) {
	t.Parallel()
	s := StartSentinels(t)
	if got := SentinelMaster(t, s.URL); got != s.Master.Addr() {
		t.Fatalf("the master is %s, want %s", got, s.Master.Addr())
	}
	s.Master.Kill()
	for began := time.Now(); SentinelMaster(t, s.URL) != s.Replica.Addr(); time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("the replica does not become the master: %s", s.Sentinels[0].Log())
		}
	}
}

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	var first string
	t.Run("redis", func(t *testing.T) {
		first = RedisDB(t)
		if second := RedisDB(t); second == first || first == Redis(t) {
			t.Fatalf("%s and %s", first, second)
		}
		if err := client(t, first).Set(t.Context(), "key", "value", 0).Err(); err != nil {
			t.Fatal(err)
		}
	})
	if first == "" {
		t.Skip("no Redis")
	}
	if n, err := client(t, first).DBSize(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("%d keys are left, %v", n, err)
	}
	t.Run("sentinel", func(t *testing.T) {
		a, b := Sentinel(t), Sentinel(t)
		if a == b || !strings.HasSuffix(a, "?sentinel_service_name="+masterName) {
			t.Errorf("%s and %s", a, b)
		}
	})
	for name, database := range map[string]func(testing.TB) string{"postgresql": PostgreSQL, "mariadb": MariaDB} {
		t.Run(name, func(t *testing.T) {
			if a, b := database(t), database(t); a == b {
				t.Errorf("%s and %s", a, b)
			}
		})
	}
}

// Tests do not use a database with keys, because it may belong to the user.
func TestADatabaseInUseIsLeftAlone(t *testing.T) {
	s := StartRedis(t)
	c := client(t, "redis://"+s.Addr()+"/1")
	if err := c.Set(t.Context(), "dear", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	t.Run("", func(t *testing.T) {
		if got := freshDB(t, "redis://"+s.Addr()+"/0"); got != "redis://"+s.Addr()+"/2" {
			t.Errorf("got %s; database 1 has a key", got)
		}
	})
	if got, err := c.Get(t.Context(), "dear").Result(); got != "value" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestStartSaysWhy(t *testing.T) {
	pr, err := redisProgram("--no-such-option", "1")()
	if err != nil {
		t.Skip(err)
	}
	_, err = launch(pr)
	if err == nil || !strings.Contains(err.Error(), "no-such-option") {
		t.Errorf("%v; want what the server said", err)
	}
}

// orphanVariable makes TestOrphan run in a process that another test kills.
const orphanVariable = "OSP_TESTENV_ORPHAN"

// TestOrphan is not a test, but the process that other tests start and kill.
func TestOrphan(t *testing.T) {
	switch os.Getenv(orphanVariable) {
	case "":
		return
	case "server":
		s := StartRedis(t)
		fmt.Printf("orphan %d %s\n", s.p.guard.pid, s.Dir())
	case "RabbitMQ":
		s := StartRabbitMQ(t)
		fmt.Printf("orphan %d %s %d\n", s.p.guard.pid, s.Dir(), s.p.rabbit.epmd)
	case "disk":
		fmt.Printf("orphan %d %s\n", os.Getpid(), NewDisk(t, "64k").Dir)
	}
	time.Sleep(patience)
}

// orphan runs this test binary as another process, which starts a "server" or
// mounts a "disk", and kills that process. It returns the pid of the server, or of
// the process, and the folder of the server or disk.
func orphan(t *testing.T, what string) (pid int, dir string) {
	t.Helper()
	pid, dir, _ = orphanWith(t, what)
	return pid, dir
}

// orphanWith is orphan for a server with a second port.
func orphanWith(t *testing.T, what string) (pid int, dir, port string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestOrphan$", "-test.v")
	cmd.Env = append(os.Environ(), orphanVariable+"="+what)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); dir == ""; {
		if !lines.Scan() {
			t.Fatalf("no line of the other process: %v", lines.Err())
		}
		if rest, ok := strings.CutPrefix(lines.Text(), "orphan "); ok {
			_, _ = fmt.Sscan(rest, &pid, &dir, &port) // most have no port
		}
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("process %d: %v", pid, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	return pid, dir, port
}

// A server also ends when the process that started it is killed.
func TestServersEndWithTheirProcess(t *testing.T) {
	StartRedis(t) // skips the test if Redis is missing
	awaitEnd(t)(orphan(t, "server"))
}

// awaitEnd waits until a process has ended and its folder is gone.
func awaitEnd(t *testing.T) func(pid int, dir string) {
	return func(pid int, dir string) {
		t.Helper()
		for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			_, state := parentOf(pid)
			_, err := os.Stat(dir)
			if (state == "" || state == "Z") && errors.Is(err, os.ErrNotExist) {
				return
			}
			if time.Since(began) > patience {
				t.Fatalf("process %s is in state %q, its folder: %v", strconv.Itoa(pid), state, err)
			}
		}
	}
}

// The port mapper of RabbitMQ ends, too.
func TestRabbitMQEndsWithItsProcess(t *testing.T) {
	RabbitMQ(t) // skips the test if RabbitMQ is missing
	pid, dir, port := orphanWith(t, "RabbitMQ")
	awaitEnd(t)(pid, dir)
	for began := time.Now(); listening(t.Context(), "127.0.0.1:"+port) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("the port mapper on port %s is left", port)
		}
	}
	if left := processesIn(t, dir); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

// processesIn returns the processes whose working folder is a folder that was removed,
// or a folder in it.
func processesIn(t *testing.T, dir string) (pids []string) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, dir) {
			pids = append(pids, filepath.Base(filepath.Dir(link)))
		}
	}
	return pids
}
