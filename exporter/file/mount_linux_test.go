package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/file"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

func TestFullDisk(t *testing.T) {
	dir := testenv.NewDisk(t, "64k").Dir
	path := filepath.Join(dir, "store.jsonl")
	s, err := file.Open("file://" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	one := []osprofiler.Notification{{Name: "x-start", BaseID: "B"}}
	if err := s.Write(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	big := []osprofiler.Notification{{Name: "y-start", BaseID: "B", TraceID: strings.Repeat("t", 200_000)}}
	err = s.Write(t.Context(), big)
	if err == nil || err.Error() != `cannot append to the file "`+path+`": no space left on device` || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk is the error %v", err)
	}
	if got := summary(s.Notifications(t.Context(), "B")); got != "x-start" {
		t.Errorf("after that the store holds %s", got)
	}
}

func TestReadOnlyMount(t *testing.T) {
	disk := testenv.NewDisk(t, "64k")
	dir := disk.Dir
	path := filepath.Join(dir, "store.jsonl")
	if err := os.WriteFile(path, []byte(line("a")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	disk.SetReadOnly()
	unwritable, err := file.Open("file://" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unwritable.Close() }()
	err = unwritable.Ping(t.Context())
	if want := `cannot open the file "` + path + `" for writing (osp_read_only opens it for reading): read-only file system`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	s, err := file.Open("file://"+path, file.WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if got := summary(s.Notifications(t.Context(), "B")); got != "a" {
		t.Errorf("got %s", got)
	}
}
