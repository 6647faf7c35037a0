package postgresql

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// If the driver can read a data source, keywords finds the same password in it.
func FuzzKeywords(f *testing.F) {
	for _, seed := range []string{`user=u password='it\'s' sslmode=disable`, `user = u  password= a\ b`, `password=a password=b user=u`, `user=u password=`} {
		f.Add(seed)
	}
	f.Setenv("HOME", f.TempDir())
	f.Setenv("PGPASSWORD", "")
	f.Fuzz(func(t *testing.T, text string) {
		settings := keywords(text)
		c, err := pgx.ParseConfig(text)
		if err != nil || strings.Contains(text, "://") || settings["service"] != "" || settings["passfile"] != "" {
			return
		}
		if got := settings["password"]; got != c.Password {
			t.Errorf("%q: got %q, the driver %q", text, got, c.Password)
		}
	})
}
