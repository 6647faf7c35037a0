package osloconfig

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// A Config holds the values of several files. A value in a later file replaces that of an
// earlier file, except for an option that may be set several times.
type Config struct {
	files []sections // in the order of reading
	names []string   // of the files
}

// Load reads files in their order, as a service reads the files of its options
// --config-file. A path of a folder stands for the files of the folder whose names end
// in .conf, in the order of their names, as with a service's option --config-dir.
func Load(paths ...string) (*Config, error) {
	c := &Config{}
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, fmt.Errorf("cannot read the configuration file %q: %w", path, files.Reason(err))
		case info.IsDir():
			err = c.addFolder(path)
		default:
			err = c.addFile(path)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Config) addFolder(path string) error {
	entries, err := os.ReadDir(path) // sorted by name
	if err != nil {
		return fmt.Errorf("cannot read the folder of configuration files %q: %w", path, files.Reason(err))
	}
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".conf") && !strings.HasPrefix(name, ".") {
			if err := c.addFile(filepath.Join(path, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Config) addFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot read the configuration file %q: %w", path, files.Reason(err))
	}
	defer func() { _ = file.Close() }() // it was only read
	parsed, err := parse(path, file)
	if err != nil {
		return fmt.Errorf("cannot read the configuration file: %w", err)
	}
	c.files, c.names = append(c.files, parsed), append(c.names, path)
	return nil
}

// Value returns the value of an option: the last one of the last file that sets it,
// with references to other options replaced. ok is false if no file sets the option.
func (c *Config) Value(section, option string) (value string, ok bool, err error) {
	text, ok := c.last(normalized(section), option)
	if !ok {
		return "", false, nil
	}
	value, err = c.substitute(text, reference{normalized(section), option})
	return value, true, err
}

// Values returns all values of an option that may be set several times, those of the
// first file first.
func (c *Config) Values(section, option string) (values []string, err error) {
	for _, file := range c.files {
		for _, text := range file[normalized(section)][option] {
			value, err := c.substitute(text, reference{normalized(section), option})
			if err != nil {
				return nil, err
			}
			values = append(values, value)
		}
	}
	return values, nil
}

// last returns the value of an option before references are replaced. A later file
// has precedence. Within one file, the current name has precedence over deprecated names.
func (c *Config) last(section, option string) (text string, ok bool) {
	name := reference{section, option}
	names := append([]reference{name}, deprecated[name]...)
	for _, file := range slices.Backward(c.files) {
		for _, n := range names {
			if values := file[n.section][n.option]; len(values) > 0 {
				return values[len(values)-1], true
			}
		}
	}
	return "", false
}
