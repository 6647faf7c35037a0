package testenv

import "testing"

// Each version of Jaeger listens on the loopback interface only.
func TestJaegerListensOnLoopback(t *testing.T) {
	for _, v := range JaegerVersions {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			onlyLoopback(t, StartJaeger(t, v))
		})
	}
}
