// Command ferretdb is a FerretDB server with its data in SQLite files. Tests start
// it as a second server that speaks MongoDB's protocol:
//
//	ferretdb -listen 127.0.0.1:27017 -data FOLDER
//
// It is a module of its own, because only the tests need FerretDB.
// scripts/setup.sh builds it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		os.Exit(1)
	}
}

func run() error {
	listen := flag.String("listen", "", "`host:port` of the server")
	data := flag.String("data", "", "`folder` of the SQLite files")
	certificate := flag.String("tls-cert-file", "", "PEM `file` with the certificate; the server then accepts only TLS")
	key := flag.String("tls-key-file", "", "PEM `file` with the key")
	flag.Parse()
	// FerretDB logs every refused command as a warning, with the whole answer.
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	slog.SetDefault(logger)
	c := &ferretdb.Config{Logger: logger, Handler: "sqlite", SQLiteURL: "file:" + *data + "/"}
	if *certificate == "" {
		c.Listener.TCP = *listen
	} else {
		c.Listener.TLS, c.Listener.TLSCertFile, c.Listener.TLSKeyFile = *listen, *certificate, *key
	}
	server, err := ferretdb.New(c)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return server.Run(ctx)
}
