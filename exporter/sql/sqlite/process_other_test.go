//go:build !linux

package sqlite_test

import "fmt"

// more jobs need Linux.
func more(job, _ string) error { return fmt.Errorf("unknown job %q", job) }
