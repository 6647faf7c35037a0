// Command serve starts the test server of Log Insight and prints its connection
// strings. It ends the server when it is interrupted.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
)

func main() {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	server, err := loginsightserver.Start()
	if err == nil {
		fmt.Printf("for osp:                %s\nfor the Python library: %s\n", server.URL(), server.PythonURL())
		<-interrupted
		err = server.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}
