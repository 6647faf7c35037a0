package postgresql

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

// checkFiles refuses a key and a password file that others may read, as libpq
// does, and a password file with several passwords for several hosts: the
// driver would send the first host's password to all of them.
func checkFiles(values map[string]string) error {
	if values["sslmode"] != "disable" && values["sslcertmode"] != "disable" {
		key := cmp.Or(values["sslkey"], os.Getenv("PGSSLKEY"), atHome(".postgresql", "postgresql.key"))
		if err := checkRights("the key of the client's certificate", key, true); err != nil {
			return err
		}
	}
	if cmp.Or(values["password"], os.Getenv("PGPASSWORD")) != "" {
		return nil
	}
	password := passwordOf(values, values["host"], values["port"])
	without := maps.Clone(values)
	without["passfile"] = os.DevNull
	if password == "" || password == passwordOf(without, values["host"], values["port"]) {
		return nil // it is not from a password file
	}
	if err := checkRights("the password file", passfile(values), false); err != nil {
		return err
	}
	hosts, ports := strings.Split(values["host"], ","), strings.Split(values["port"], ",")
	for i, host := range hosts {
		if passwordOf(values, host, ports[min(i, len(ports)-1)]) != password {
			return errors.New("the password file has not the same password for each host of the connection string; each should have the same user and password, or a connection string of its own")
		}
	}
	return nil
}

// passfile is where libpq looks for passwords.
func passfile(values map[string]string) string {
	return cmp.Or(values["passfile"], os.Getenv("PGPASSFILE"), atHome(".pgpass"))
}

// atHome is a file in the home directory; without one it is no file at all.
func atHome(path ...string) string {
	home, err := os.UserHomeDir()
	if err != nil {
		return os.DevNull
	}
	return filepath.Join(append([]string{home}, path...)...)
}

// passwordOf returns the password that the driver finds for a host.
func passwordOf(values map[string]string, host, port string) string {
	own := maps.Clone(values)
	own["host"], own["port"] = host, port
	c, err := pgx.ParseConfig(pairs(own))
	if err != nil {
		return "" // which Open says
	}
	return c.Password
}

// checkRights returns an error if others may read a file. A key of root's may
// be read by its group.
func checkRights(what, path string, key bool) error {
	info, err := os.Stat(path) //nolint:gosec // the operator names it
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // which Open says
	case err != nil:
		return fmt.Errorf("%s, %q, cannot be looked at: %w", what, path, err)
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
