package sqlite

import (
	"testing"
)

func FuzzConnectionString(f *testing.F) {
	f.Add("sqlite:///relative.db")
	f.Add("sqlite:////absolute.db?osp_sync=no&osp_busy_timeout=5")
	f.Fuzz(func(t *testing.T, text string) {
		if path, _, err := parse(text, newConfig(nil)); err == nil && path == "" {
			t.Errorf("%q names no file, but no error came", text)
		}
	})
}
