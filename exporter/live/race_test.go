//go:build race

package live_test

// raceDetector reports that the race detector is on, so that measured times
// mean nothing.
const raceDetector = true
