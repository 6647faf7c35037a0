package testenv

import (
	"syscall"
	"testing"
)

// A Disk is a small file system of a test's own.
type Disk struct {
	Dir string // where it is mounted
	t   testing.TB
}

// NewDisk mounts a tmpfs of that size, such as "64k", until the test is over.
func NewDisk(t testing.TB, size string) Disk {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		if Required() {
			t.Fatalf("this test needs the right to mount a file system: %v", err)
		}
		t.Skipf("this test needs the right to mount a file system: %v", err)
	}
	t.Cleanup(func() {
		// Detached, so that a file that a failed test left open does not keep it mounted.
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
	return Disk{Dir: dir, t: t}
}

// SetReadOnly remounts it for reading only.
func (d Disk) SetReadOnly() {
	d.t.Helper()
	if err := syscall.Mount("tmpfs", d.Dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		d.t.Fatal(err)
	}
}
