package testenv

import "testing"

// database returns the connection string of an empty database of the server. No
// other test uses the database until this test ends.
func (s *Resource) database(t testing.TB) string {
	t.Helper()
	return untilEnd(t)(s.fresh(s.need(t)))
}

// with returns a copy of the resource with another find function.
func (s *Resource) with(find func() (location, version string, err error)) *Resource {
	other := *s
	other.find = find
	return resource(other)
}

// newDatabase is database for programs that are not tests.
func (s *Resource) newDatabase() (url string, drop func() error, err error) {
	location, err := s.Find()
	if err != nil {
		return "", nil, err
	}
	return s.fresh(location)
}

// untilEnd returns a function that takes the results of Resource.fresh. The
// function fails the test if there is an error, and drops the database when the
// test ends.
func untilEnd(t testing.TB) func(url string, drop func() error, err error) string {
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
