package main

import (
	"errors"
	"strings"
	"time"
)

// A leastDuration is the value of a flag for a shortest duration: 500ms, 2s,
// 1m30s, 1.5h.
type leastDuration struct {
	time.Duration
	text string
}

// String implements pflag.Value. It returns the text that was given.
func (d *leastDuration) String() string { return d.text }

// Type implements pflag.Value.
func (d *leastDuration) Type() string { return "least duration" }

// Set implements pflag.Value. It also accepts days and weeks, as ages have.
func (d *leastDuration) Set(text string) error {
	duration, err := time.ParseDuration(text)
	if age, ok := parseAge(text); err != nil && ok {
		duration, err = age, nil
	}
	if err != nil || duration < 0 || strings.HasSuffix(text, "ago") {
		return errors.New("it should be a duration with a unit, such as 500ms, 2s, 1m30s, 1.5h or 1d")
	}
	d.Duration, d.text = duration, text
	return nil
}
