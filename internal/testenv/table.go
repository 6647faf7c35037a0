package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// TablesVariable names the environment variable with the folder of tables that
// are printed when all tests are done. The command in servers/ sets it.
const TablesVariable = "OSP_TEST_TABLES"

// Table has a text of this name printed at the end of `make test`; it is in the
// test's log, too.
func Table(t testing.TB, name, text string) {
	t.Helper()
	t.Log("\n" + text)
	dir := os.Getenv(TablesVariable)
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil { //nolint:gosec // the folder that `make test` names
		t.Error(err)
	}
}
