//go:build !linux

package testenv

import "testing"

// A Disk is a small file system of a test's own. There are none but on Linux.
type Disk struct{ Dir string }

// NewDisk skips the test.
func NewDisk(t testing.TB, _ string) Disk {
	t.Helper()
	t.Skip("tests mount file systems of their own on Linux only")
	return Disk{}
}

// SetReadOnly, Fill and Free are there on Linux only.
func (Disk) SetReadOnly() {}
func (Disk) Fill()        {}
func (Disk) Free()        {}
