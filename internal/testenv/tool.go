package testenv

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Tool returns the path of a program from a Debian package. If name is an
// absolute path, Tool returns name if that file exists.
func Tool(t testing.TB, name, debianPackage string) (path string) {
	t.Helper()
	return resource(Resource{
		Name: name,
		Get:  "run scripts/setup.sh, or install the Debian package " + debianPackage,
		find: func() (path, version string, err error) {
			if strings.HasPrefix(name, "/") {
				_, err = os.Stat(name)
				return name, "", err
			}
			path, err = exec.LookPath(name)
			return path, "", err
		},
	}).need(t)
}
