package elasticsearch_test

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/store/storetest"
)

func TestStore(t *testing.T) {
	onEach(t, func(t *testing.T, url string) {
		storetest.Run(t, storetest.Harness{
			Place:       func(t testing.TB) string { return place(t, url) },
			Unreachable: func(testing.TB) string { return "elasticsearch://127.0.0.1:1" },
		})
	})
}
