package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/osprofiler-otel/osprofiler/store"
)

// A program that opens any connection string imports exporter/all. A program that uses a
// single back end imports only that. The error for a back end that is not linked names its
// import.
func ExampleOpen() {
	_, err := store.Open(context.Background(), "sqlite:///"+filepath.Join(os.TempDir(), "traces.db"), store.WithReadOnly())
	fmt.Println(err)
	// Output:
	// the back end of sqlite:// is not linked into this program: import _ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"
}

// A DamageError distinguishes an entry that could not be read from an error that ended the
// reading.
func ExampleDamageError() {
	err := fmt.Errorf("listing: %w", &store.DamageError{Entry: "line 7", Reason: errors.New("half a line")})
	var damage *store.DamageError
	if errors.As(err, &damage) {
		fmt.Println("going on:", damage)
	}
	// Output:
	// going on: skipped line 7: half a line
}
