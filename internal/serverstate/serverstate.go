// Package serverstate classifies the errors by which servers tell that they
// cannot do now, or will never do, what a client asked. Each back end has a
// table of the errors of its servers; the documentation of the back end shows
// the same table.
package serverstate

import (
	"fmt"
	"slices"
	"strings"
)

// A Class says what follows from an error.
type Class int

const (
	// Unknown errors do not tell whether the request was carried out, or whether
	// it would succeed later. Writing is repeated, since a repeated write stores
	// nothing twice, and is reported as not known to be stored in the end.
	Unknown Class = iota
	// Contended errors come from what other clients did at the same time. The
	// transaction was rolled back, and is begun again at once.
	Contended
	// Passes is the class of states that pass: a server that starts, stops,
	// changes its role, or is out of connections, memory or disk. Writing is
	// repeated after a pause.
	Passes
	// Stays is the class of refusals that stay until an operator changes the
	// server, the table or the account. Nothing is repeated.
	Stays
	// Row is the class of refusals that are about the content of one row, such
	// as its size. The other rows of the batch are written without it.
	Row
)

// String returns the word that the documentation uses.
func (c Class) String() string {
	return [...]string{"unknown", "contended", "passes", "stays", "refuses the row"}[c]
}

// IsTransient tells whether the same request may succeed later.
func (c Class) IsTransient() bool { return c == Unknown || c == Contended || c == Passes }

// A State is one error of a server, or a group of them.
type State struct {
	Code  string // the server's code, or the beginning that the codes of a group share
	Name  string // the server's name for it, or what it means
	Class Class
	// Ran names the test that brings a real server into this state; empty if the
	// class was read in the documentation or the source of the server.
	Ran string
}

// A Table holds the states of one kind of server.
type Table struct {
	Source string // what the states were read in
	States []State
}

// Find returns the state with the longest code that the server's code begins
// with.
func (t *Table) Find(code string) (found State, ok bool) {
	for _, s := range t.States {
		if strings.HasPrefix(code, s.Code) && (!ok || len(s.Code) > len(found.Code)) {
			found, ok = s, true
		}
	}
	return found, ok
}

// Exactly returns the state with this code.
func (t *Table) Exactly(code string) (State, bool) {
	i := slices.IndexFunc(t.States, func(s State) bool { return s.Code == code })
	if i < 0 {
		return State{}, false
	}
	return t.States[i], true
}

// Markdown writes the table as the documentation shows it.
func (t *Table) Markdown() string {
	var b strings.Builder
	b.WriteString("| code | state | class | verified |\n|---|---|---|---|\n")
	for _, s := range t.States {
		verified := "read"
		if s.Ran != "" {
			verified = "ran: `" + s.Ran + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s.Code, s.Name, s.Class, verified)
	}
	return b.String()
}
