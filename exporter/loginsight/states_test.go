package loginsight

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate/statetest"
)

func TestStates(t *testing.T) {
	statetest.Check(t, &states, "*_test.go", "../../docs/stores/loginsight.md")
}
