package postgresql

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/jackc/pgpassfile"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// checkFiles returns an error about a file that the driver would read without a
// limit: a device, a pipe, or a file of more than 1 MiB. It also refuses a key
// that others may read, as libpq does.
func checkFiles(settings map[string]string) error {
	if settings["password"] == "" {
		if _, err := readIfThere("the password file", settings["passfile"]); err != nil {
			return err
		}
	}
	root := cmp.Or(settings["sslrootcert"], atHome(".postgresql", "root.crt"))
	if root != "system" {
		if _, err := readIfThere("the file of the authorities (sslrootcert)", root); err != nil {
			return err
		}
	}
	if settings["sslcertmode"] == "disable" {
		return nil
	}
	certificate := cmp.Or(settings["sslcert"], atHome(".postgresql", "postgresql.crt"))
	if _, err := readIfThere("the client's certificate (sslcert)", certificate); err != nil {
		return err
	}
	key := cmp.Or(settings["sslkey"], atHome(".postgresql", "postgresql.key"))
	if _, err := readIfThere("the key of the client's certificate (sslkey)", key); err != nil {
		return err
	}
	if settings["sslmode"] == "disable" {
		return nil
	}
	return checkRights("the key of the client's certificate", key, true)
}

// checkPasswordFile refuses a password file that others may read, as libpq does.
// It also refuses a file with different passwords for several hosts, because the
// driver would send the first host's password to all of them.
func checkPasswordFile(c *pgx.ConnConfig, settings map[string]string) error {
	if c.Password == "" || settings["password"] != "" {
		return nil // the password is not from a password file
	}
	path := settings["passfile"]
	if err := checkRights("the password file", path, false); err != nil {
		return err
	}
	text, err := files.ReadSmall(path)
	if err != nil {
		return fmt.Errorf("the password file cannot be read: %w", err)
	}
	file, err := pgpassfile.ParsePassfile(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("the password file %q cannot be read: %w", path, err)
	}
	for _, other := range c.Fallbacks {
		host := other.Host
		if network, _ := pgconn.NetworkAddress(other.Host, other.Port); network == "unix" {
			host = "localhost"
		}
		if file.FindPassword(host, strconv.Itoa(int(other.Port)), c.Database, c.User) != c.Password {
			return errors.New("the password file has different passwords for the hosts of the connection string; each should have the same user and password, or a connection string of its own")
		}
	}
	return nil
}

// atHome returns the path of a file in the home directory. Without a home
// directory it returns os.DevNull.
func atHome(path ...string) string {
	home, err := os.UserHomeDir()
	if err != nil {
		return os.DevNull
	}
	return filepath.Join(append([]string{home}, path...)...)
}

// defaultPassfile returns the file in which libpq looks for passwords by
// default.
func defaultPassfile() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("APPDATA"), "postgresql", "pgpass.conf")
	}
	return atHome(".pgpass")
}

// checkRights returns an error if others may read a file. The group may read a
// key that belongs to root. On Windows it checks nothing, like libpq.
func checkRights(what, path string, key bool) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil //nolint:nilerr // the driver cannot read the file either, and reports that
	}
	others := info.Mode().Perm() & 0o077
	if key && ownedByRoot(info) {
		others &^= 0o040
	}
	if info.Mode().IsRegular() && others != 0 {
		return fmt.Errorf("%s, %q, can be read or written by others (%04o); its rights should be 0600", what, path, info.Mode().Perm())
	}
	return nil
}
