package testenv

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

// A Disk is a small file system of a test's own. The zero Disk stands for none.
type Disk struct {
	Dir  string // where it is mounted
	size string
	t    testing.TB
}

// NewDisk mounts a tmpfs of that size, such as "64k", until the test is over.
func NewDisk(t testing.TB, size string) Disk {
	t.Helper()
	// Not below t.TempDir, into which the accounts of servers cannot look.
	dir, err := os.MkdirTemp("", "osp-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
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
	return Disk{Dir: dir, size: size, t: t}
}

// SetReadOnly remounts it for reading only.
func (d Disk) SetReadOnly() {
	d.t.Helper()
	if err := d.remount(syscall.MS_RDONLY, ""); err != nil {
		d.t.Fatal(err)
	}
}

// Fill makes the disk as small as what lies on it, so that it is full.
func (d Disk) Fill() {
	d.t.Helper()
	for began := time.Now(); ; { // what is written meanwhile makes it too small
		var now syscall.Statfs_t
		err := syscall.Statfs(d.Dir, &now)
		if err == nil {
			used := (now.Blocks - now.Bfree) * uint64(now.Bsize)
			err = d.remount(0, fmt.Sprintf("size=%d", used))
		}
		if err == nil {
			return
		}
		if !errors.Is(err, syscall.EINVAL) || time.Since(began) > patience {
			d.t.Fatalf("filling %s: %v", d.Dir, err)
		}
	}
}

// Free gives the disk its whole size back.
func (d Disk) Free() {
	d.t.Helper()
	if err := d.remount(0, "size="+d.size); err != nil {
		d.t.Fatal(err)
	}
}

func (d Disk) remount(flags uintptr, options string) error {
	return syscall.Mount("tmpfs", d.Dir, "tmpfs", syscall.MS_REMOUNT|flags, options)
}
