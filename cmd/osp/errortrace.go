package main

import (
	"fmt"
	"strings"
)

// errorTrace is the flag --error-trace. It is given alone, as in the old form `--error-trace
// True`, or as --error-trace=True.
type errorTrace struct {
	on   bool
	text string
}

// String implements pflag.Value.
func (e *errorTrace) String() string { return e.text }

// Type implements pflag.Value.
func (e *errorTrace) Type() string { return "bool" }

// Set implements pflag.Value. It accepts the texts that Python programs write for truth
// values.
func (e *errorTrace) Set(text string) error {
	e.text = text
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		e.on = true
	case "false", "no", "off", "0", "":
		e.on = false
	default:
		return fmt.Errorf("it should be True or False")
	}
	return nil
}

// python returns the value as the Python tool reads it: any text means yes, even False.
func (e *errorTrace) python() bool { return e.text != "" }

const errorTraceFlag = "--error-trace"

// joinErrorTrace joins `--error-trace True` into one argument, because a flag that may have
// no value needs its value in the same argument. Only trace list has the flag, and it takes
// no arguments. So an argument that follows the flag and is not a flag itself is the value.
func joinErrorTrace(args []string) []string {
	joined := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(joined, args[i:]...)
		}
		if args[i] == errorTraceFlag && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			joined = append(joined, errorTraceFlag+"="+args[i+1])
			i++
			continue
		}
		joined = append(joined, args[i])
	}
	return joined
}
