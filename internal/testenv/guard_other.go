//go:build !linux

package testenv

import (
	"errors"
	"syscall"
)

var errNotLinux = errors.New("tests start servers of their own on Linux only")

// A guard exists on Linux only.
type guard struct{}

func startGuard(_, _, _ string, _ ...string) (*guard, error) { return nil, errNotLinux }

func (g *guard) end(bool) error { return errNotLinux }
func (g *guard) alive() bool    { return false }
func (g *guard) kill() error    { return errNotLinux }
func (g *guard) halt() error    { return errNotLinux }
func (g *guard) resume() error  { return errNotLinux }

func (g *guard) signalServer(syscall.Signal) error { return errNotLinux }

func ownedBy(_, _ string) error { return errNotLinux }

func (p *process) run(...string) error { return errNotLinux }
