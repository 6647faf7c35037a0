package redis_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/osprofiler-otel/osprofiler/exporter/redis"
)

// mode is the environment variable that makes the test binary act as a service.
const mode = "OSPROFILER_TEST_LOGGER"

// This function sets a logger while the program starts, as the init function of a
// package of a service that has its own logger does.
var _ = func() bool {
	if os.Getenv(mode) == "init" {
		goredis.SetLogger(ownLogger{})
	}
	return true
}()

type ownLogger struct{}

func (ownLogger) Printf(_ context.Context, format string, args ...any) {
	fmt.Fprintf(os.Stderr, "own: "+format+"\n", args...)
}

// The client library writes to the standard error only if the service asks for
// that.
func TestServiceChoosesTheLogger(t *testing.T) {
	for of, want := range map[string]string{"none": "", "init": "own: ", "main": "own: ", "enabled": "redis: "} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServiceProcess$")
		cmd.Env = append(os.Environ(), mode+"="+of)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil {
			t.Errorf("%s: %v", of, err)
		}
		for line := range strings.Lines(stderr.String()) {
			if want == "" || !strings.HasPrefix(line, want) {
				t.Errorf("%s: %s", of, line)
			}
		}
		if want != "" && stderr.Len() == 0 {
			t.Errorf("%s: nothing was written", of)
		}
	}
}

// TestServiceProcess is the service. Its Redis is down.
func TestServiceProcess(t *testing.T) {
	switch os.Getenv(mode) {
	case "":
		return
	case "main":
		goredis.SetLogger(ownLogger{})
	case "enabled":
		logging.Enable()
	}
	for _, connectionString := range []string{"redis://127.0.0.1:1", "redissentinel://127.0.0.1:1", "redis://127.0.0.1:1,127.0.0.1:2?osp_cluster=yes"} {
		s, err := redis.Open(connectionString)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err == nil {
			t.Fatal("a server answers")
		}
		s.Close()
	}
}
