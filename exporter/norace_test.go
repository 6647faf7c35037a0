//go:build !race

package exporter_test

const raceDetector = false
