//go:build race

package exporter_test

// raceDetector tells that times say nothing.
const raceDetector = true
