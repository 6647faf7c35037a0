package postgresql

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgservicefile"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// environment contains the variables of libpq for the settings that say whom to
// trust and which files to read.
var environment = map[string]string{
	"password": "PGPASSWORD", "passfile": "PGPASSFILE", "service": "PGSERVICE", "servicefile": "PGSERVICEFILE",
	"sslmode": "PGSSLMODE", "sslcertmode": "PGSSLCERTMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
}

// settingsOf returns these settings with the precedence of libpq: the data
// source before the service file, and the service file before the environment.
// It does not report errors in the data source, because the driver does.
func settingsOf(dataSource string) (map[string]string, error) {
	settings := map[string]string{"passfile": defaultPassfile(), "servicefile": atHome(".pg_service.conf")}
	for name, variable := range environment {
		if text := os.Getenv(variable); text != "" {
			settings[name] = text
		}
	}
	own := keywords(dataSource)
	inEnvironment := maps.Clone(settings)
	maps.Copy(settings, own)
	if settings["service"] == "" {
		return settings, nil
	}
	service, err := readService(settings["servicefile"], settings["service"])
	if err != nil {
		return nil, err
	}
	maps.Copy(inEnvironment, service)
	maps.Copy(inEnvironment, own)
	return inEnvironment, nil
}

// readService reads a section of a service file. The driver reports a missing
// file or section.
func readService(path, name string) (map[string]string, error) {
	text, err := readIfThere("the service file", path)
	if err != nil || text == nil {
		return nil, err
	}
	file, err := pgservicefile.ParseServicefile(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("the service file %q cannot be read: %w", path, err)
	}
	service, err := file.GetService(name)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // the driver reports that there is no such section
	}
	return service.Settings, nil
}

// readIfThere reads a file. The text is nil if the system cannot open the file.
// In that case the driver either reports the error or does without the file,
// for example if this account may not read the home directory.
func readIfThere(what, path string) (text []byte, err error) {
	text, err = files.ReadSmall(path)
	var system syscall.Errno
	switch {
	case errors.As(err, &system), path == os.DevNull:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", what, err)
	}
	return text, nil
}

// keywords reads a data source like "host=a password='it\'s'".
func keywords(dataSource string) map[string]string {
	settings := map[string]string{}
	const blanks = " \t\n\r\v\f"
	for {
		name, rest, ok := strings.Cut(strings.TrimLeft(dataSource, blanks), "=")
		if !ok {
			return settings
		}
		rest = strings.TrimLeft(rest, blanks)
		ends := blanks
		if strings.HasPrefix(rest, "'") {
			rest, ends = rest[1:], "'"
		}
		var value strings.Builder
		i := 0
		for ; i < len(rest) && !strings.ContainsRune(ends, rune(rest[i])); i++ {
			if rest[i] == '\\' {
				i++
			}
			if i < len(rest) {
				value.WriteByte(rest[i])
			}
		}
		settings[strings.Trim(name, blanks)] = value.String()
		dataSource = rest[min(i+1, len(rest)):]
	}
}

// withEnvironment adds to a data source the setting that libpq takes from an
// old environment variable and the driver does not.
func withEnvironment(dataSource string, settings map[string]string) string {
	if !strings.HasPrefix(os.Getenv("PGREQUIRESSL"), "1") || cmp.Or(settings["sslmode"], os.Getenv("PGSSLMODE")) != "" {
		return dataSource
	}
	settings["sslmode"] = "require"
	return dataSource + " sslmode='require'"
}
