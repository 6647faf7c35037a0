package kafka

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain checks that no goroutine is left when all buses and consumptions are closed.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
