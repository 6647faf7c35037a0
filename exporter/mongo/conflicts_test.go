package mongo_test

import (
	"testing"

	generated "github.com/osprofiler-otel/osprofiler/internal/hostile"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// Each of many notifications is read back unchanged, whatever its info is. FerretDB
// reads the whole collection for each trace.
func TestConflicts(t *testing.T) {
	counts := map[string]int{"TestConflicts/MongoDB": 4_000, "TestConflicts/FerretDB": 500}
	onEachServer(t, func(t *testing.T, url string) {
		count := counts[t.Name()]
		if testenv.Soak() {
			count = 50_000
		}
		all := generated.Notifications(1, count)
		s := open(t, url)
		generated.Write(t, s, all)
		generated.Check(t, s, all)
	})
}
