package testenv

import (
	"testing"
	"time"
)

// longest is the longest time that [Growing] tries.
const longest = time.Minute

// Growing tests code with a time limit, such as a deadline, which a busy machine may miss
// although the program is right. It calls try with a short time. As long as try returns an
// error, Growing calls it again with three times the time, up to a minute. Then the test
// fails with the last error.
func Growing(t testing.TB, short time.Duration, try func(d time.Duration) error) {
	t.Helper()
	for d := short; ; d *= 3 {
		err := try(d)
		if err == nil {
			return
		}
		if d*3 > longest {
			t.Errorf("with %v: %v", d, err)
			return
		}
		t.Logf("with %v: %v", d, err)
	}
}
