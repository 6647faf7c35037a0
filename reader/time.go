package reader

import "time"

// An instant is a point in time. It is unknown if ok is false. The difference of two instants
// may exceed 292 years, unlike the difference of two time.Time.
type instant struct {
	sec  int64
	nsec int32
	ok   bool
}

func instantOf(t time.Time) instant { return instant{t.Unix(), int32(t.Nanosecond()), true} }

func (t instant) time() time.Time {
	if !t.ok {
		return time.Time{}
	}
	return time.Unix(t.sec, int64(t.nsec)).UTC()
}

func (t instant) before(u instant) bool {
	return t.sec < u.sec || t.sec == u.sec && t.nsec < u.nsec
}

// compare orders instants. Unknown instants come last.
func (t instant) compare(u instant) int {
	switch {
	case t.ok != u.ok:
		if t.ok {
			return -1
		}
		return 1
	case !t.ok:
		return 0
	case t.before(u):
		return -1
	case u.before(t):
		return 1
	}
	return 0
}

// earliest returns the earlier of two instants. An unknown instant does not count.
func earliest(t, u instant) instant {
	if !t.ok || u.ok && u.before(t) {
		return u
	}
	return t
}

// latest returns the later of two instants. An unknown instant does not count.
func latest(t, u instant) instant {
	if !t.ok || u.ok && t.before(u) {
		return u
	}
	return t
}

// millisecondsSince returns the whole milliseconds since an earlier instant. It uses the
// floating-point steps of the Python library, so that the last digit agrees with the
// library's even after centuries.
func (t instant) millisecondsSince(from instant) int64 {
	sec, nsec := t.sec-from.sec, t.nsec-from.nsec
	if nsec < 0 {
		sec, nsec = sec-1, nsec+1e9
	}
	micro := float64(nsec/1000) + float64(float64(sec)*1e6)
	return int64(micro / 1000)
}

// sub returns the time since an earlier instant, at most 292 years.
func (t instant) sub(from instant) time.Duration { return t.time().Sub(from.time()) }
