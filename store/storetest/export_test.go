package storetest

import "time"

// SetPatience makes rules give up early. It returns a function that restores the old values.
func SetPatience(p, g time.Duration) (reset func()) {
	oldPatience, oldGrace := patience, grace
	patience, grace = p, g
	return func() { patience, grace = oldPatience, oldGrace }
}

// CheckOptOut is Harness.checkOptOut.
func (h Harness) CheckOptOut() error { return h.checkOptOut() }
