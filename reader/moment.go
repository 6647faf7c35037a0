package reader

import "time"

// A moment is a point in time. Unlike the difference of two time.Time, that of
// two moments has no limit of 292 years. Not ok: not known.
type moment struct {
	sec  int64
	nsec int32
	ok   bool
}

func momentOf(t time.Time) moment { return moment{t.Unix(), int32(t.Nanosecond()), true} }

func (m moment) time() time.Time {
	if !m.ok {
		return time.Time{}
	}
	return time.Unix(m.sec, int64(m.nsec)).UTC()
}

func (m moment) before(o moment) bool {
	return m.sec < o.sec || m.sec == o.sec && m.nsec < o.nsec
}

// compare orders moments, the unknown last.
func (m moment) compare(o moment) int {
	switch {
	case m.ok != o.ok:
		if m.ok {
			return -1
		}
		return 1
	case !m.ok:
		return 0
	case m.before(o):
		return -1
	case o.before(m):
		return 1
	}
	return 0
}

// earliest and latest pick one of two moments, the known one if only one is.
func earliest(a, b moment) moment {
	if !a.ok || b.ok && b.before(a) {
		return b
	}
	return a
}

func latest(a, b moment) moment {
	if !a.ok || b.ok && a.before(b) {
		return b
	}
	return a
}

// since returns the whole milliseconds from an earlier moment, by the same
// floating-point steps as upstream, so that the last digit agrees after
// centuries too.
func (m moment) since(from moment) int64 {
	sec, nsec := m.sec-from.sec, m.nsec-from.nsec
	if nsec < 0 {
		sec, nsec = sec-1, nsec+1e9
	}
	micro := float64(nsec/1000) + float64(float64(sec)*1e6)
	return int64(micro / 1000)
}

// after returns the time since an earlier moment, at most 292 years.
func (m moment) after(from moment) time.Duration { return m.time().Sub(from.time()) }
