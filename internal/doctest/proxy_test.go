package doctest

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

const modulePath = "github.com/osprofiler-otel/osprofiler"

// A tools holds the programs and settings that all pages share.
type tools struct {
	bin string   // the folder with osp
	env []string // the environment of the go command
}

// newTools makes a file proxy of the checkout, and installs osp from it.
func newTools(t *testing.T) *tools {
	t.Helper()
	dir := t.TempDir()
	// Each run uses a new version, because the module cache keeps the files of a version.
	version := module.Version{Path: modulePath, Version: fmt.Sprintf("v0.0.%d", time.Now().UnixNano())}
	proxy := filepath.Join(dir, "proxy")
	if err := writeProxy(filepath.Join(proxy, modulePath, "@v"), version); err != nil {
		t.Fatal(err)
	}
	cache, build, user := goEnv(t, "GOMODCACHE"), goEnv(t, "GOCACHE"), goEnv(t, "GOPROXY")
	t.Cleanup(func() { forget(t, cache, version) })
	x := &tools{bin: filepath.Join(dir, "bin"), env: []string{
		"GOMODCACHE=" + cache, "GOCACHE=" + build, "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local", "GOSUMDB=off",
		"GOPROXY=file://" + proxy + ",file://" + filepath.Join(cache, "cache", "download") + "," + user,
	}}
	cmd := exec.Command("go", "install", modulePath+"/cmd/osp@latest")
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), x.env...), "GOBIN="+x.bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return x
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// writeProxy writes the files that a module proxy has for a version of this module.
func writeProxy(dir string, version module.Version) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	gomod, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	if err != nil {
		return err
	}
	stamp := time.Now().UTC().Format(time.RFC3339)
	for name, text := range map[string]string{
		"list":                    version.Version + "\n",
		version.Version + ".info": fmt.Sprintf(`{"Version":%q,"Time":%q}`, version.Version, stamp),
		version.Version + ".mod":  string(gomod),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	zip, err := os.Create(filepath.Join(dir, version.Version+".zip"))
	if err != nil {
		return err
	}
	defer zip.Close()
	files, err := moduleFiles()
	if err != nil {
		return err
	}
	return modzip.Create(zip, version, files)
}

// A moduleFile is a file of this module, by its path below the repository.
type moduleFile string

// Path, Lstat and Open implement modzip.File.
func (f moduleFile) Path() string { return string(f) }
func (f moduleFile) Lstat() (os.FileInfo, error) {
	return os.Lstat(filepath.Join(repository, string(f)))
}
func (f moduleFile) Open() (io.ReadCloser, error) {
	return os.Open(filepath.Join(repository, string(f)))
}

// moduleFiles returns the files of this module that a program may need: those of its
// packages, without test data and modules of their own.
func moduleFiles() (files []modzip.File, err error) {
	err = filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == repository {
			return err
		}
		if entry.IsDir() {
			_, nested := os.Stat(filepath.Join(path, "go.mod"))
			if strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || nested == nil {
				return filepath.SkipDir
			}
			return nil
		}
		if name, err := filepath.Rel(repository, path); err == nil && entry.Type().IsRegular() && entry.Name()[0] != '.' {
			files = append(files, moduleFile(filepath.ToSlash(name)))
		}
		return nil
	})
	return files, err
}

// forget removes a version of this module from the module cache.
func forget(t *testing.T, cache string, version module.Version) {
	dir := filepath.Join(cache, modulePath+"@"+version.Version)
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return err
	})
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
	files, _ := filepath.Glob(filepath.Join(cache, "cache", "download", modulePath, "@v", version.Version+".*"))
	for _, name := range files {
		_ = os.Remove(name)
	}
}
