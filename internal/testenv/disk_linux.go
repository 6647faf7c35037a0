package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// A Disk is a small file system for a single test. The zero Disk stands for none.
type Disk struct {
	Dir  string // the mount point
	size string
	t    testing.TB
}

// NewDisk mounts a tmpfs of that size, such as "64k", until the test is over.
func NewDisk(t testing.TB, size string) Disk {
	t.Helper()
	// The accounts of servers cannot read t.TempDir.
	dir, err := os.MkdirTemp("", "osp-disk-")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		Missing(t, "this test needs the right to mount a file system: ", err)
	}
	unmount, err := unmountAtEnd(dir)
	if err != nil {
		t.Fatal(errors.Join(err, syscall.Unmount(dir, syscall.MNT_DETACH)))
	}
	t.Cleanup(func() {
		if err := unmount(); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
	return Disk{Dir: dir, size: size, t: t}
}

// unmountScript waits on a pipe that only this process holds open, as a guard
// does. The option -l unmounts even if a failed test left a file open.
const unmountScript = `
read -r word
umount -l "$1" && rmdir "$1"
`

// unmountAtEnd returns a function that unmounts the disk. The disk is also
// unmounted if this process ends before.
func unmountAtEnd(dir string) (unmount func() error, err error) {
	cmd := exec.Command("/bin/sh", "-c", unmountScript, "unmount", dir) //nolint:gosec // our own script
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}               // keeps the terminal's Ctrl-C away
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error { return errors.Join(pipe.Close(), cmd.Wait()) }, nil
}

// SetReadOnly remounts the disk read-only.
func (d Disk) SetReadOnly() {
	d.t.Helper()
	if err := d.remount(syscall.MS_RDONLY, ""); err != nil {
		d.t.Fatal(err)
	}
}

// Fill reduces the size of the disk to its contents, so that the disk is full.
func (d Disk) Fill() {
	d.t.Helper()
	for began := time.Now(); ; { // retry if a write in the meantime needs more than this size
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

// Free restores the original size of the disk.
func (d Disk) Free() {
	d.t.Helper()
	if err := d.remount(0, "size="+d.size); err != nil {
		d.t.Fatal(err)
	}
}

func (d Disk) remount(flags uintptr, options string) error {
	return syscall.Mount("tmpfs", d.Dir, "tmpfs", syscall.MS_REMOUNT|flags, options)
}
