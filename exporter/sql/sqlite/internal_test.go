package sqlite

import (
	"testing"
	"time"
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

// Options that SQLAlchemy passes on to Python's sqlite3 are accepted by name.
func TestOptionsOfOtherClients(t *testing.T) {
	_, c, err := parse("sqlite:///x.db?check_same_thread=false&isolation_level=IMMEDIATE&detect_types=1&timeout=2.5&plugin=dbcounter", newConfig(nil))
	if err != nil || c.busyTimeout != 2500*time.Millisecond {
		t.Errorf("got %s, %v", c.busyTimeout, err)
	}
	_, c, err = parse("sqlite:///x.db?timeout=2&osp_busy_timeout=7", newConfig(nil))
	if err != nil || c.busyTimeout != 7*time.Second {
		t.Errorf("got %s, %v", c.busyTimeout, err)
	}
}
