package sqlite_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
	"github.com/osprofiler-otel/osprofiler/internal/faults"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

func TestFullDisk(t *testing.T) {
	dir := testenv.NewDisk(t, "256k").Dir
	path := filepath.Join(dir, "store.db")
	s, err := openAt(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	write(t, s, event("A", "x-start", "2024-05-06T07:08:09.000010"))
	big := event("A", "y-start", "2024-05-06T07:08:09.000010")
	big.Info = osprofiler.Info(`{"text": "` + strings.Repeat("a", 400_000) + `"}`)
	err = s.Write(t.Context(), []osprofiler.Notification{big})
	if err == nil || !strings.HasPrefix(err.Error(), `the SQLite database "`+path+`" cannot grow: the disk is full, or the limit of its size is reached: `) {
		t.Errorf("a full disk is the error %v", err)
	}
	write(t, s, event("A", "z-start", "2024-05-06T07:08:09.000010"))
	if got := summary(s.Notifications(t.Context(), "A")); got != "x-start, z-start" {
		t.Errorf("after that the store holds %s", got)
	}
}

// While a disk is full for a while, only what is exported during that time is
// lost.
func TestDiskFullForAWhile(t *testing.T) {
	faults.FullDisk(t, func(folder string) string { return "sqlite:///" + folder + "/store.db" }, "128m",
		" cannot grow: the disk is full, or the limit of its size is reached: ")
}

func TestReadOnlyMount(t *testing.T) {
	disk := testenv.NewDisk(t, "256k")
	dir := disk.Dir
	path := filepath.Join(dir, "store.db")
	s, err := openAt(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, event("A", "x-start", "2024-05-06T07:08:09.000010"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	disk.SetReadOnly()
	_, err = openAt(path)
	if want := `the SQLite database "` + path + `" cannot be written, only read (osp_read_only opens it so): `; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	_, err = openAt(filepath.Join(dir, "new.db"))
	if want := `cannot create the file "` + filepath.Join(dir, "new.db") + `": read-only file system`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	s, err = openAt(path, sqlite.WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if got := summary(s.Notifications(t.Context(), "A")); got != "x-start" {
		t.Errorf("got %s", got)
	}
}
