package main

import (
	"fmt"
	"strings"
)

// errorTrace is the flag --error-trace: bare, as of old `--error-trace True`,
// or --error-trace=True.
type errorTrace struct {
	on   bool
	text string
}

// String implements pflag.Value.
func (e *errorTrace) String() string { return e.text }

// Type implements pflag.Value.
func (e *errorTrace) Type() string { return "bool" }

// Set implements pflag.Value. It takes what Python programs write for truth.
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

// python tells what the Python tool reads: any text means yes, False too.
func (e *errorTrace) python() bool { return e.text != "" }

const errorTraceFlag = "--error-trace"

// joinErrorTrace joins `--error-trace True` to one argument: to a flag that
// may be without a value, its value has to be tied. Only trace list has the flag, and
// it takes no arguments, so what follows and is no flag can only be the value.
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
