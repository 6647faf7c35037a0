package analyze

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// A Duration is a time.Duration whose JSON is a number of whole microseconds,
// rounded down. In a result it is a length of time, or a time since the begin of the
// report.
type Duration time.Duration

// MarshalJSON writes whole microseconds.
func (d Duration) MarshalJSON() ([]byte, error) {
	us := int64(d) / int64(time.Microsecond)
	if d < 0 && int64(d)%int64(time.Microsecond) != 0 {
		us--
	}
	return strconv.AppendInt(nil, us, 10), nil
}

// UnmarshalJSON reads whole microseconds.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var us int64
	if err := json.Unmarshal(text, &us); err != nil {
		return err
	}
	const most = math.MaxInt64 / int64(time.Microsecond)
	*d = Duration(min(max(us, -most), most)) * Duration(time.Microsecond)
	return nil
}

// plus adds durations. It saturates, so that the sum of extreme durations does not overflow.
func plus(a, b time.Duration) time.Duration {
	sum := a + b
	switch {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt64
	}
	return sum
}

// add adds a duration to a sum.
func (d *Duration) add(more time.Duration) { *d = Duration(plus(time.Duration(*d), more)) }

// share returns a part of a whole as a number between 0 and 1.
func share(part, whole time.Duration) float64 {
	if whole <= 0 {
		return 0
	}
	return math.Round(float64(part)/float64(whole)*1e4) / 1e4
}
