package testenv

import "testing"

// database returns the connection string of an empty database of the server,
// which is the test's own until it ends.
func (s *Resource) database(t testing.TB) string {
	t.Helper()
	return keep(t)(s.fresh(s.need(t)))
}

// with is the resource, found in another way.
func (s *Resource) with(find func() (at, version string, err error)) *Resource {
	other := *s
	other.find = find
	return resource(other)
}

// newDatabase is database for programs that are no tests.
func (s *Resource) newDatabase() (url string, drop func() error, err error) {
	at, err := s.Find()
	if err != nil {
		return "", nil, err
	}
	return s.fresh(at)
}

// keep returns what takes a fresh database for a test and gives it back when
// the test ends.
func keep(t testing.TB) func(url string, drop func() error, err error) string {
	return func(url string, drop func() error, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := drop(); err != nil {
				t.Error(err)
			}
		})
		return url
	}
}
