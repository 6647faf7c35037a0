package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress returns a function that draws on a terminal how many items are done, and
// one that hides the drawing. A total of 0 means that the total is unknown. The
// drawing then shows the count alone.
func progress(w io.Writer, doing, noun string, total int) (draw func(done int), hide func()) {
	if !isTerminal(w) {
		return func(int) {}, func() {}
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(doing),
		progressbar.OptionSetItsString(noun + "s"),
		progressbar.OptionShowIts(),
		progressbar.OptionSpinnerType(14),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionClearOnFinish(),
	}
	if total > 0 {
		bar := progressbar.NewOptions(total, append(options, progressbar.OptionShowCount())...)
		return func(done int) { _ = bar.Set(done) }, func() { _ = bar.Finish() }
	}
	bar := progressbar.NewOptions(-1, options...)
	described := time.Time{}
	return func(done int) {
		if now := time.Now(); now.Sub(described) > 100*time.Millisecond { // Describe draws at once
			described = now
			bar.Describe(doing + " " + counted(done, noun))
		}
		_ = bar.Set(done)
	}, func() { _ = bar.Finish() }
}
