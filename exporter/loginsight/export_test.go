package loginsight

// SetMostAnswer sets how many bytes of an answer are read, and returns a function that
// sets the value before.
func SetMostAnswer(bytes int64) (reset func()) {
	before := mostAnswer
	mostAnswer = bytes
	return func() { mostAnswer = before }
}

// SetCheckEvery sets after how many events a listing of the newest traces looks
// whether it can end, and returns a function that sets the value before.
func SetCheckEvery(events int) (reset func()) {
	before := checkEvery
	checkEvery = events
	return func() { checkEvery = before }
}

// SetMostTraces sets how many traces are summed up at once, and returns a function that
// sets the value before.
func SetMostTraces(traces int) (reset func()) {
	before := mostTraces
	mostTraces = traces
	return func() { mostTraces = before }
}

// ClockSkew is how wrong clocks may be.
const ClockSkew = clockSkew
