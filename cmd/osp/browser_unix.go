//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// detach makes a command a session of its own, so that an interrupt of the terminal
// does not end it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
