//go:build !linux

package testenv

import "testing"

// A Disk is a small file system for a single test. It exists on Linux only.
type Disk struct{ Dir string }

// NewDisk skips the test.
func NewDisk(t testing.TB, _ string) Disk {
	t.Helper()
	t.Skip("tests mount file systems of their own on Linux only")
	return Disk{}
}

// SetReadOnly, Fill and Free do something on Linux only.
func (Disk) SetReadOnly() {}
func (Disk) Fill()        {}
func (Disk) Free()        {}
