package testenv

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

// server finds the server that all tests share: the one that the variable
// names, or else one of this process's own.
func server(variable string, pr func() (program, error), form string, version func(ctx context.Context, url string) (string, error)) (url, found string, err error) {
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
	found, err = version(ctx, url)
	return url, found, err
}

var ends struct {
	sync.Mutex
	all []func() error
}

// atEnd notes what EndAll is to do.
func atEnd(f func() error) {
	ends.Lock()
	defer ends.Unlock()
	ends.all = append(ends.all, f)
}

// EndAll ends the shared servers that this process started, the last first. A
// test binary need not call it: they end when it does.
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
