package testenv

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// prepareData fills the data folder of a server by install, which takes seconds. It keeps
// the result in .cache/templates as a template, and later servers get a copy of the
// template. program is the program of the server. A newer program gets another template.
func (p *process) prepareData(program string, install func() error) error {
	template, err := templateOf(program)
	if err != nil {
		return err
	}
	if _, err := os.Stat(template); err == nil {
		if err := copyFolder(template, p.data()); err != nil {
			return err
		}
		return p.ownData()
	}
	if err := install(); err != nil {
		return err
	}
	return keepTemplate(p.data(), template)
}

// ownData makes the account of the server the owner of the data folder. A template has
// other owners if the whole repository was copied without its owners.
func (p *process) ownData() error {
	return filepath.WalkDir(p.data(), func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return ownedBy(p.account, path)
	})
}

// templateOf returns the folder with the template for a program and our own account.
func templateOf(program string) (string, error) {
	info, err := os.Stat(program)
	if err != nil {
		return "", err
	}
	hash := fnv.New64a()
	fmt.Fprint(hash, program, info.Size(), info.ModTime().UnixNano(), os.Getuid())
	return filepath.Join(moduleRoot(), ".cache", "templates", fmt.Sprintf("%s-%x", filepath.Base(program), hash.Sum64())), nil
}

// keepTemplate copies a folder to a template. Other processes see the whole template or
// none, and the first one wins.
func keepTemplate(folder, template string) error {
	if err := os.MkdirAll(filepath.Dir(template), 0o755); err != nil { //nolint:gosec // other accounts read it
		return err
	}
	unfinished, err := os.MkdirTemp(filepath.Dir(template), "unfinished-")
	if err != nil {
		return err
	}
	if err := copyFolder(folder, unfinished); err != nil {
		return errors.Join(err, os.RemoveAll(unfinished))
	}
	if err := os.Rename(unfinished, template); err != nil {
		err = errors.Join(err, os.RemoveAll(unfinished))
		if _, exists := os.Stat(template); exists != nil {
			return err
		}
	}
	return nil
}

// copyFolder copies the contents of a folder, with the owners of files, to another folder.
// It writes files without holes, so that they fill a small disk as the files of a new
// server do.
func copyFolder(from, to string) error {
	out, err := exec.Command("cp", "-a", "--sparse=never", from+"/.", to).CombinedOutput() //nolint:gosec // our own folders
	if err != nil {
		return fmt.Errorf("cp: %w: %.300s", err, out)
	}
	return nil
}
