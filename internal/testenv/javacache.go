package testenv

import (
	"archive/zip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A javaCache is a file with the classes of a server as Java has them in memory. With
// the file, a server starts with less than half of the computing time. The name of the
// cache is that of the folder with the libraries in .cache/servers. The servers that
// tests start most often have a cache (see MakeJavaCaches). The others start without one.
type javaCache struct {
	name    string
	written bool // whether this start writes the file
}

// javaCacheFolder returns the folder of all caches.
func javaCacheFolder() string { return filepath.Join(moduleRoot(), ".cache", "java") }

func (c javaCache) path() string { return filepath.Join(javaCacheFolder(), c.name+".aot") }

// jar returns the path of an archive with our own classes of the server. They are in an
// archive because Java caches no classes of a folder.
func (c javaCache) jar() string { return filepath.Join(javaCacheFolder(), c.name+".jar") }

// flags returns the flags of java that select the cache. It returns none for another Java
// than that of scripts/search-servers.sh, which may not know them.
func (c javaCache) flags() []string {
	if os.Getenv(JavaVariable) != "" {
		return nil
	}
	if c.written {
		return []string{"-XX:AOTCacheOutput=" + c.path()}
	}
	if !isFile(c.path()) {
		return nil
	}
	return []string{"-XX:AOTCache=" + c.path()}
}

// classPath returns the class path of a server whose own classes are in a folder.
func (c javaCache) classPath(libraries string) string {
	own := filepath.Join(libraries, "classes")
	if isFile(c.jar()) {
		own = c.jar()
	}
	return own + string(filepath.ListSeparator) + filepath.Join(libraries, "lib", "*")
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// MakeJavaCaches makes the caches, which takes half a minute. It does nothing if the
// caches belong to the installed servers. Making a cache takes as much computing time as
// eight starts save, so that servers that few tests start have no cache.
func MakeJavaCaches() error {
	state, err := javaCacheState()
	if err != nil {
		return err
	}
	statePath := filepath.Join(javaCacheFolder(), "state")
	if old, _ := os.ReadFile(statePath); string(old) == state {
		return nil
	}
	//nolint:gosec // tests of other accounts use it
	if err = errors.Join(os.RemoveAll(javaCacheFolder()), os.MkdirAll(javaCacheFolder(), 0o755)); err != nil {
		return err
	}
	programs := map[javaCache]func() (program, error){{name: "kafka"}: (&kafkaNode{writeCache: true}).program}
	for _, s := range []searchProduct{elasticsearch7, elasticsearch8, openSearch2} {
		c := javaCache{name: s.folder}
		if err = archive(filepath.Join(moduleRoot(), ".cache", "servers", s.folder, "classes"), c.jar()); err != nil {
			return err
		}
		s.writeCache = true
		programs[c] = s.program()
	}
	if err = makeAll(programs); err != nil {
		return err
	}
	return os.WriteFile(statePath, []byte(state), 0o644) //nolint:gosec // tests of other accounts use it
}

// javaCacheState describes the installed servers.
func javaCacheState() (state string, errs error) {
	for _, path := range []string{"state", "kafka/state"} {
		text, err := os.ReadFile(filepath.Join(moduleRoot(), ".cache", "servers", path))
		state, errs = state+string(text), errors.Join(errs, err)
	}
	return state, errs
}

// makeAll makes several caches at the same time.
func makeAll(programs map[javaCache]func() (program, error)) error {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		errs  error
		slots = make(chan struct{}, runtime.NumCPU())
	)
	for c, pr := range programs {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			err := c.makeOne(pr)
			mu.Lock()
			defer mu.Unlock()
			errs = errors.Join(errs, err)
		})
	}
	all.Wait()
	return errs
}

// makeOne starts a server that records which classes it loads, and ends the server
// regularly. Then Java writes the file.
func (c javaCache) makeOne(pr func() (program, error)) error {
	program, err := pr()
	if err != nil {
		return err
	}
	p, err := launch(program)
	if err != nil {
		return err
	}
	err = p.guard.signalServer(syscall.SIGTERM)
	for until := time.Now().Add(3 * patience); err == nil && p.guard.alive(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(until) {
			err = errors.New("it did not end")
		}
	}
	if err == nil && !isFile(c.path()) {
		err = errors.New("Java wrote no file: " + tail(p.path("log")))
	}
	if err = errors.Join(err, p.end()); err != nil {
		return fmt.Errorf("no cache of the classes of %s: %w", p.name, err)
	}
	return nil
}

// archive writes the files of a folder into an archive.
func archive(folder, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := zip.NewWriter(f)
	return errors.Join(w.AddFS(os.DirFS(folder)), w.Close(), f.Close())
}
