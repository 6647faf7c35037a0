package convert

import (
	"testing"
	"time"
)

// The nanoseconds of a time that OTLP cannot represent do not overflow.
func TestTimesThatOTLPCannotSay(t *testing.T) {
	for text, want := range map[string]string{
		"1600-01-01T00:00:00Z": `0\"`, "1969-12-31T23:59:59Z": `0\"`, "1970-01-01T00:00:01Z": `1000000000\"`,
		"2262-04-12T00:00:00Z": `9223372036854775807\"`, "3000-01-01T00:00:00Z": `9223372036854775807\"`,
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(appendTime(nil, "", at)); got != want {
			t.Errorf("%s is %s, not %s", text, got, want)
		}
	}
}
