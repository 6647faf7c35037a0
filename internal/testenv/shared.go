package testenv

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

// server returns the URL and the version of a server that all tests share: the
// server that the variable names, or else one that server starts. form is the URL
// with %s for host:port.
func server(variable string, pr func() (program, error), form string, askVersion func(ctx context.Context, url string) (string, error)) (url, version string, err error) {
	url = os.Getenv(variable)
	if url == "" {
		program, err := pr()
		if err != nil {
			return "", "", err
		}
		p, err := launch(program)
		if err != nil {
			return "", "", err
		}
		url = fmt.Sprintf(form, p.addr())
		atEnd(p.end)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	version, err = askVersion(ctx, url)
	return url, version, err
}

// canStart returns a Resource.installed for a server.
func canStart(pr func() (program, error)) func() error {
	return func() error {
		_, err := pr()
		return err
	}
}

var ends struct {
	sync.Mutex
	all []func() error
}

// atEnd registers a function that EndAll calls.
func atEnd(f func() error) {
	ends.Lock()
	defer ends.Unlock()
	ends.all = append(ends.all, f)
}

// EndAll ends the shared servers that this process started, in reverse order. A
// test binary need not call it, because the servers end with their process.
func EndAll() (errs []error) {
	ends.Lock()
	defer ends.Unlock()
	for i := len(ends.all) - 1; i >= 0; i-- {
		if err := ends.all[i](); err != nil {
			errs = append(errs, err)
		}
	}
	ends.all = nil
	return errs
}
