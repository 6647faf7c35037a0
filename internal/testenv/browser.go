package testenv

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// ChromiumVariable and AxeVariable select another browser, and another copy of
// axe-core.
const (
	ChromiumVariable = "OSP_TEST_CHROMIUM"
	AxeVariable      = "OSP_TEST_AXE"
)

var (
	chromium = resource(Resource{
		Name:     "Chromium",
		Variable: ChromiumVariable,
		Get:      "run scripts/setup.sh, install the Debian package chromium, or set " + ChromiumVariable + " to a program of Chromium or Chrome",
		find:     findChromium,
	})
	axe = resource(Resource{
		Name:     "axe-core",
		Variable: AxeVariable,
		Get:      "run scripts/setup.sh, or set " + AxeVariable + " to the file axe.min.js of axe-core 4",
		find:     findAxe,
	})
)

// Chromium returns the program of a Chromium browser.
func Chromium(t testing.TB) string {
	t.Helper()
	return chromium.need(t)
}

// ChromiumPath is Chromium for programs that are not tests.
func ChromiumPath() (string, error) { return chromium.Find() }

// Axe returns the file of axe-core, a script that checks the accessibility of a page.
func Axe(t testing.TB) string {
	t.Helper()
	return axe.need(t)
}

func findChromium() (path, version string, err error) {
	if own := os.Getenv(ChromiumVariable); own != "" {
		path, err = exec.LookPath(own)
		return path, "", err
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err = exec.LookPath(name); err == nil {
			return path, "", nil
		}
	}
	return "", "", errors.New(`no program is named "chromium"`)
}

func findAxe() (path, version string, err error) {
	path = cmp.Or(os.Getenv(AxeVariable), filepath.Join(moduleRoot(), ".cache", "axe", "axe.min.js"))
	_, err = os.Stat(path) //nolint:gosec // the user's own file
	return path, "", err
}
