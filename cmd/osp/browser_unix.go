//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// detach gives a command its own session, so that an interrupt of the terminal does not stop
// it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
