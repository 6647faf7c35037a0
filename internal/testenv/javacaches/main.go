// Command javacaches makes the caches with which the servers that run on Java start in
// less than half the time. scripts/setup.sh runs it. See testenv.MakeJavaCaches.
package main

import (
	"fmt"
	"os"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

func main() {
	if err := testenv.MakeJavaCaches(); err != nil {
		fmt.Fprintln(os.Stderr, "setup: servers on Java will start slowly:", err)
	}
}
