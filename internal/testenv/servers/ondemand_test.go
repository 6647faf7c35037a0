package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

const jobVariable = "OSP_TEST_JOB"

// TestJob does the jobs of the other tests. They run it in another process, below
// the command servers.
func TestJob(t *testing.T) {
	switch os.Getenv(jobVariable) {
	case "ask":
		fmt.Println("redis at", testenv.Redis(t))
	case "ask twice":
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				cmd := exec.Command(os.Args[0], "-test.run=^TestJob$")
				cmd.Env = append(os.Environ(), jobVariable+"=ask")
				out, err := cmd.CombinedOutput()
				fmt.Printf("%s%v\n", out, err)
			})
		}
		wg.Wait()
	default:
		t.Skip("this is a part of other tests")
	}
}

// buildTest returns the command `servers TESTBINARY` that does a job.
func buildTest(t *testing.T, job string) (cmd *exec.Cmd, tmp string) {
	t.Helper()
	cmd, tmp = buildCommand(t, os.Args[0], "-test.run=^TestJob$")
	cmd.Env = append(cmd.Env, jobVariable+"="+job)
	return cmd, tmp
}

func TestTestBinariesShareAServer(t *testing.T) {
	testenv.Redis(t) // skips if there is none
	cmd, tmp := buildTest(t, "ask twice")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	urls := regexp.MustCompile(`redis at (redis://\S+)`).FindAllStringSubmatch(string(out), -1)
	if len(urls) != 2 || urls[0][1] != urls[1][1] {
		t.Errorf("want the same server twice:\n%s", out)
	}
	if !strings.Contains(string(out), "found:   a Redis server") || !strings.Contains(string(out), "unused:  no test asked for a PostgreSQL server") {
		t.Errorf("want Redis and no PostgreSQL:\n%s", out)
	}
	awaitEmpty(t, tmp)
}

func TestNothingStartsUnasked(t *testing.T) {
	cmd, tmp := buildTest(t, "")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(out), "found: ") {
		t.Errorf("%v; want no server:\n%s", err, out)
	}
	awaitEmpty(t, tmp)
}

// The tests do not run if a server is missing and required.
func TestRequiredServersAreCheckedFirst(t *testing.T) {
	cmd, tmp := buildTest(t, "ask")
	cmd.Env = append(cmd.Env, testenv.RequireVariable+"=1", testenv.RedisServerVariable+"=/none/redis-server")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "a Redis server is not here") || strings.Contains(string(out), "TestJob") {
		t.Errorf("%v:\n%s", err, out)
	}
	awaitEmpty(t, tmp)
}

func TestCommandsThatAreTests(t *testing.T) {
	for command, want := range map[string]bool{
		"go test ./...": true, "/usr/local/go/bin/go test": true, "go1.26 test -race": true, "/tmp/redis.test -test.v": true,
		"go run . test": false, "go": false, "sh -c go test": false, "pytest": false,
	} {
		if got := isTest(strings.Fields(command)); got != want {
			t.Errorf("%s: %v", command, got)
		}
	}
}
