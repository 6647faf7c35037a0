package testenv

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestDiskIsFilledAndFreed(t *testing.T) {
	d := NewDisk(t, "1m")
	path := filepath.Join(d.Dir, "file")
	text := make([]byte, 100_000)
	for _, path := range []string{path, path + "2"} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		d.Fill()
		if err := os.WriteFile(path+".more", text, 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("writing to a full disk: %v", err)
		}
		d.Free()
		if err := os.WriteFile(path+".more", text, 0o600); err != nil {
			t.Error(err)
		}
	}
}

// The data of a server is on the disk, and is still there after a restart.
func TestServersOnADisk(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(t *testing.T, d Disk) *Server{
		"redis": func(t *testing.T, d Disk) *Server { return StartRedisOn(t, d, "--appendonly", "yes") },
		"postgresql": func(t *testing.T, d Disk) *Server {
			s := StartPostgreSQLOn(t, d)
			if err := postgreSQLDo(s.PostgreSQL(), "CREATE TABLE kept ()"); err != nil {
				t.Error(err)
			}
			return s
		},
		"mariadb": func(t *testing.T, d Disk) *Server {
			s := StartMariaDBOn(t, d, "--innodb-log-file-size=8m")
			if err := mariaDBDo(s.MariaDB(), "CREATE TABLE kept (x INT)"); err != nil {
				t.Error(err)
			}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := NewDisk(t, "256m")
			s := run(t, d)
			var used syscall.Statfs_t
			if err := syscall.Statfs(d.Dir, &used); err != nil || used.Files-used.Ffree < 3 {
				t.Errorf("%d files are on the disk, %v", used.Files-used.Ffree, err)
			}
			s.Kill()
			if s.Alive() {
				t.Error("a killed server lives")
			}
			s.Restart()
			if !s.Alive() {
				t.Error("a server that was restarted does not live")
			}
		})
	}
}

// A disk is also unmounted when its process is killed.
func TestDisksEndWithTheirProcess(t *testing.T) {
	NewDisk(t, "64k") // skips the test if disks are missing
	_, dir := orphan(t, "disk")
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		_, err := os.Stat(dir)
		if errors.Is(err, os.ErrNotExist) {
			return
		}
		if time.Since(began) > patience {
			t.Fatalf("%s is still there: %v", dir, err)
		}
	}
}
