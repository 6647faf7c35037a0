package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// TablesVariable names the environment variable with a folder for tables. The
// command in servers/ sets it, and prints the tables after all tests.
const TablesVariable = "OSP_TEST_TABLES"

// Table writes a text to the test's log and registers it under this name, so that
// `make test` prints it at the end.
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
