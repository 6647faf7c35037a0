package mysql

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// An optionFile contains the options in those groups of a MySQL option file
// (read_default_file) that a Python client reads. A name is in lower case with
// hyphens. See pymysql/connections.py and "Using Option Files" in MySQL's
// manual.
type optionFile struct {
	values  map[string]string
	missing []string // the files that do not exist
}

// readOptionFile reads the file and the group that the connection string names.
// A file that does not exist is left out, as in PyMySQL.
func readOptionFile(options *connstr.Options, scheme string) (*optionFile, error) {
	path, _ := options.Take("read_default_file")
	group, _ := options.Take("read_default_group")
	f := &optionFile{values: map[string]string{}}
	isPyMySQL := isPyMySQL(scheme)
	groups := []string{group}
	switch {
	case path == "" && group == "":
		return f, nil
	case !isPyMySQL:
		groups = append(groups, "client", "client-server", "client-mariadb")
	case group == "":
		groups = []string{"client"}
	}
	paths := []string{path}
	switch {
	case path != "":
	case isPyMySQL:
		paths = []string{"/etc/my.cnf"}
	default:
		paths = []string{"/etc/my.cnf", "/etc/mysql/my.cnf", "~/.my.cnf"}
	}
	for _, path := range paths {
		if err := f.read(atHome(path), groups, !isPyMySQL, 0); err != nil {
			return nil, err
		}
	}
	return f, f.refuse()
}

// maxDepth is how deep option files may include others.
const maxDepth = 10

// read reads one file. libmysqlclient follows !include, PyMySQL does not.
func (f *optionFile) read(path string, groups []string, follow bool, depth int) error {
	text, err := files.ReadSmall(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.missing = append(f.missing, path)
		return nil
	case err != nil:
		return fmt.Errorf("the option file %q of read_default_file cannot be read: %w", path, files.Reason(err))
	case depth > maxDepth:
		return fmt.Errorf("the option file %q is included by more than %d others", path, maxDepth)
	}
	isWanted := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", line[0] == '#', line[0] == ';':
		case line[0] == '!':
			if err := f.include(line, filepath.Dir(path), groups, follow, depth); err != nil {
				return err
			}
		case line[0] == '[':
			name, _, _ := strings.Cut(line[1:], "]")
			isWanted = slices.Contains(groups, name)
		case isWanted:
			f.set(line, follow)
		}
	}
	return nil
}

// include follows !include and !includedir.
func (f *optionFile) include(line, folder string, groups []string, follow bool, depth int) error {
	word, path, _ := strings.Cut(line, " ")
	path = strings.TrimSpace(path)
	if !follow || path == "" {
		return nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	paths := []string{path}
	if word == "!includedir" {
		paths, _ = filepath.Glob(filepath.Join(path, "*.cnf")) // a malformed pattern finds nothing
	}
	for _, path := range paths {
		if err := f.read(path, groups, follow, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// set reads a line "name=value" or "name". PyMySQL also accepts "name: value".
// libmysqlclient has comments behind a value and escapes, PyMySQL has neither.
func (f *optionFile) set(line string, isLibrary bool) {
	delimiters := "=:"
	if isLibrary {
		line, delimiters = withoutComment(line), "="
	}
	name, value := line, ""
	if i := strings.IndexAny(line, delimiters); i >= 0 {
		name, value = line[:i], line[i+1:]
	}
	value = strings.TrimSpace(value)
	if last := len(value) - 1; last > 0 && value[0] == value[last] && (value[0] == '\'' || value[0] == '"') {
		value = value[1:last]
	}
	if isLibrary {
		value = escapes.Replace(value)
	}
	f.values[strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "_", "-")] = value
}

// escapes are the escapes of libmysqlclient. A backslash before any other character
// stays.
var escapes = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r", `\b`, "\b", `\s`, " ", `\"`, `"`, `\'`, `'`, `\\`, `\`)

// withoutComment cuts a line at the first "#" that is not in quotation marks. In
// quotation marks, a backslash before a quotation mark makes it an ordinary
// character.
func withoutComment(line string) string {
	var quote byte
	isEscaped := false
	for i := range len(line) {
		c := line[i]
		switch {
		case (c == '\'' || c == '"') && !isEscaped && quote == 0:
			quote = c
		case c == quote && !isEscaped:
			quote = 0
		case c == '#' && quote == 0:
			return line[:i]
		}
		isEscaped = quote != 0 && c == '\\' && !isEscaped
	}
	return line
}

// refuse returns an error about an option for security that cannot be honoured.
func (f *optionFile) refuse() error {
	for name, why := range map[string]string{
		"ssl-crl": "lists of revoked certificates cannot be read", "ssl-crlpath": "lists of revoked certificates cannot be read",
		"ssl-cipher": "Go chooses the ciphers, all of which are safe",
	} {
		if f.values[name] != "" {
			return fmt.Errorf("option %s of the option file of read_default_file is not supported: %s", name, why)
		}
	}
	if versions := f.values["tls-version"]; versions != "" && !strings.Contains(strings.ToLower(versions), "tlsv1.2") {
		return fmt.Errorf("option tls-version=%s of the option file of read_default_file is not supported: a connection has TLS 1.2 or newer, so that the list should name TLSv1.2", versions)
	}
	return nil
}

// addTo adds the options of the file to those of the connection string, which
// take precedence. It leaves out the server, the user and the database: see
// takeServer.
func (f *optionFile) addTo(options *connstr.Options) {
	for name, option := range map[string]string{
		"bind-address": "bind_address", "connect-timeout": "connect_timeout",
		"ssl-ca": "ssl_ca", "ssl-capath": "ssl_capath", "ssl-cert": "ssl_cert", "ssl-key": "ssl_key", "ssl-password": "ssl_key_password",
		"ssl-mode": "ssl_mode",
	} {
		options.Default(option, f.values[name])
	}
	if verify, ok := f.values["ssl-verify-server-cert"]; ok && !isOff(verify) {
		options.Default("ssl_verify_identity", "true")
	}
	if on, ok := f.values["ssl"]; ok && !isOff(on) {
		options.Default("ssl", "true")
	}
}

func isOff(text string) bool { return slices.Contains(falseWords, strings.ToLower(text)) }

// atHome expands a "~" at the beginning of a path.
func atHome(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}
