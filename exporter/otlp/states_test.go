package otlp

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate/statetest"
)

func TestStates(t *testing.T) {
	statetest.Check(t, &grpcStates, "*_test.go", "../../docs/otlp.md")
	statetest.Check(t, &httpStates, "*_test.go", "../../docs/otlp.md")
}
