package neterr

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

// RootCause returns the text of the innermost error, on one line. If err joins
// the errors of several attempts, RootCause descends into the last one.
func RootCause(err error) string {
	for {
		inner := unwrap(err)
		if name, ok := err.(*net.DNSError); ok { //nolint:errorlint // the loop unwraps
			return unresolved(name)
		}
		if len(inner) == 0 {
			return strings.ReplaceAll(err.Error(), "\n", " ")
		}
		err = inner[len(inner)-1]
	}
}

// Causes returns the root causes of an error that joins those of several attempts,
// each once. A cause names its address if there are several causes.
func Causes(err error) string {
	var several interface{ Unwrap() []error }
	if !errors.As(err, &several) {
		return RootCause(err)
	}
	attempts := unwrap(several.(error))
	var texts []string
	for _, one := range attempts {
		text := RootCause(one)
		var dial *net.OpError
		if errors.As(one, &dial) && dial.Op == "dial" && dial.Addr != nil && len(attempts) > 1 {
			text = dial.Addr.String() + ": " + text
		}
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if len(texts) < 2 { // several attempts at one address failed alike
		return RootCause(err)
	}
	return strings.Join(texts, "; ")
}

// unresolved returns the sentence about a host name that was not found.
func unresolved(err *net.DNSError) string {
	switch {
	case err.IsNotFound:
		return fmt.Sprintf("there is no host %q", err.Name)
	case err.IsTimeout:
		return fmt.Sprintf("the name server gave no answer about the host %q", err.Name)
	}
	return fmt.Sprintf("the name server cannot find the host %q: %s", err.Name, err.Err)
}

// OneLine returns a text of several lines, such as the text of joined errors, as one
// line.
func OneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }
