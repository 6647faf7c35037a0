package bridge_test

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/store"
)

// Whatever ids a signed header has, every store accepts all notifications of the batch, and
// returns them under the base id of the header.
func TestHostileIDsInEveryStore(t *testing.T) {
	for scheme, fresh := range map[string]func(testing.TB) string{
		"file":   func(t testing.TB) string { return "file://" + filepath.Join(t.TempDir(), "traces.jsonl") },
		"sqlite": func(t testing.TB) string { return "sqlite:///" + filepath.Join(t.TempDir(), "traces.db") },
		"redis":  testenv.RedisDB, "postgresql": testenv.PostgreSQL, "mysql+pymysql": testenv.MariaDB,
	} {
		t.Run(scheme, func(t *testing.T) {
			s, err := store.Open(t.Context(), fresh(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			checkHostileIDs(t, s)
		})
	}
}

func checkHostileIDs(t *testing.T, s *store.Store) {
	t.Helper()
	const key = "k"
	prop, provider := bridge.NewPropagators(bridge.NewKeys(key)), providerOf(t, s, "go-api")
	want := map[string]int{} // notifications by base id
	ids := append([]string{`"` + strings.Repeat(`\u00e9`, 90) + `"`, `"` + strings.Repeat("x", 180) + `"`}, hostileIDs...)
	for _, id := range ids {
		info := base64.URLEncoding.EncodeToString([]byte(`{"base_id": ` + id + `}`))
		headers := propagation.MapCarrier{osprofiler.HeaderTraceInfo: info, osprofiler.HeaderTraceHMAC: macOf(info, key)}
		ctx := prop.Extract(t.Context(), headers)
		if !bridge.Trusted(ctx) {
			continue // an id that is not accepted
		}
		_, span := provider.Tracer("").Start(ctx, "op")
		span.End()
		told, _, err := osprofiler.UnpackTraceInfo(info, headers[osprofiler.HeaderTraceHMAC], []string{key})
		if again, _, _ := osprofiler.UnpackTraceInfo(info, headers[osprofiler.HeaderTraceHMAC], []string{key}); err == nil && again == told {
			want[told.BaseID] += 2
		}
	}
	flush(t, provider)
	if len(want) < 30 {
		t.Fatalf("%d ids were taken", len(want))
	}
	for base, count := range want {
		got := stored(t, s, base)
		if len(got) != count {
			t.Errorf("%q: %d notifications, want %d", base, len(got), count)
		}
		for _, n := range got {
			if n.BaseID != base || n.ParentID != base {
				t.Errorf("%q: %s", base, n.JSON())
			}
		}
	}
}
