package neterr

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
)

// A Server describes a server in the sentences about connections to it. Only
// Name is needed.
type Server struct {
	Name string // the kind and the address: "Redis at 10.0.0.5:6379"

	Timeout       time.Duration // of an answer
	TimeoutOption string        // the option of the connection string that sets Timeout

	// Without explains how to connect without TLS: "the connection string should
	// start with redis://".
	Without string
	// Trust explains which option names the authorities to trust: "ssl_ca_certs names
	// the file with the authority to trust".
	Trust string
	// Hint is added to the sentence if a server ends the connection or does not answer,
	// because a server that expects TLS does so: "where it speaks TLS, the connection
	// string should start with rediss://".
	Hint string
}

// Explain explains an error about the connection to the server in one sentence.
// It returns err itself if err is explained already or is not about the
// connection. libraryErrors has the same meaning as in [Lost].
func (s *Server) Explain(err error, libraryErrors ...error) error {
	if err == nil || explained.Is(err) || conditionOf(err, libraryErrors) == unrelated {
		return err
	}
	cause := RootCause(err)
	switch {
	case SpeaksNoTLS(err):
		return explained.New(err, "cannot connect to %s by TLS: the server does not speak TLS%s", s.Name, behind("; without it ", s.Without, ""))
	case RefusedTLS(err):
		return explained.New(err, "cannot connect to %s by TLS%s: %s", s.Name, behind(" (", s.Trust, ")"), cause)
	case Unconnected(err), RefusedDial(err):
		return explained.New(err, "cannot connect to %s: %s%s", s.Name, s.dialed(err), cause)
	case TimedOut(err):
		return explained.New(err, "%s did not answer%s%s: %s", s.Name, s.within(), behind(" (", s.Hint, ")"), cause)
	}
	return explained.New(err, "the connection to %s was lost%s: %s", s.Name, behind(" (", s.Hint, ")"), cause)
}

// dialed returns the address that was dialed, unless Name contains it. Name may lack it,
// because a host name may have several addresses, and because a server, such as a node of
// a cluster, may name other addresses.
func (s *Server) dialed(err error) string {
	var operation *net.OpError
	if !errors.As(err, &operation) || operation.Addr == nil || strings.Contains(s.Name, operation.Addr.String()) {
		return ""
	}
	return operation.Addr.String() + ": "
}

// within returns the words for the time that the server had to answer.
func (s *Server) within() string {
	switch {
	case s.Timeout == 0:
		return " in time"
	case s.TimeoutOption == "":
		return fmt.Sprintf(" within %v", s.Timeout)
	}
	return fmt.Sprintf(" within the %s of %v", s.TimeoutOption, s.Timeout)
}

// behind returns a text between two others, or "" if the text is empty.
func behind(before, text, after string) string {
	if text == "" {
		return ""
	}
	return before + text + after
}
