// Package serverstate classifies the errors of servers: some requests may
// succeed later, others never will. Each back end has a table of the errors of
// its servers, and the documentation of the back end shows the same table.
package serverstate

import (
	"fmt"
	"slices"
	"strings"
)

// A Class says how to handle an error.
type Class int

const (
	// Unknown is the class of errors that leave open whether the server carried
	// out the request, or whether the request would succeed later. A write is
	// repeated, because repeating a write stores nothing twice. If the retries
	// end without success, the write is reported as not known to be stored.
	Unknown Class = iota
	// Contended is the class of conflicts with other clients. The server has
	// rolled the transaction back, and the transaction is begun again at once.
	Contended
	// Passes is the class of temporary states: a server that starts, stops,
	// changes its role, or is out of connections, memory or disk. A write is
	// repeated after a pause.
	Passes
	// Stays is the class of refusals that last until an operator changes the
	// server, the table or the account. A write is not repeated.
	Stays
	// Row is the class of refusals of one row because of its content, such as its
	// size. The other rows of the batch are written without that row.
	Row
)

// String returns the word for the class in the documentation.
func (c Class) String() string {
	return [...]string{"unknown", "contended", "passes", "stays", "refuses the row"}[c]
}

// IsTransient reports whether the same request may succeed later.
func (c Class) IsTransient() bool { return c == Unknown || c == Contended || c == Passes }

// A State is an error of a server, or a group of errors.
type State struct {
	Code  string // the server's code, or the common prefix of the codes of a group
	Name  string // the server's name of the error, or its meaning
	Class Class
	// Ran names the test that brings a real server into this state. It is empty
	// if the class comes from the documentation or the source code of the server.
	Ran string
}

// A Table holds the states of one kind of server.
type Table struct {
	Source string // the documentation or source code that lists the states
	States []State
}

// Find returns the state whose code is the longest prefix of the server's code.
func (t *Table) Find(code string) (state State, ok bool) {
	for _, s := range t.States {
		if strings.HasPrefix(code, s.Code) && (!ok || len(s.Code) > len(state.Code)) {
			state, ok = s, true
		}
	}
	return state, ok
}

// Exactly returns the state whose code equals the given one.
func (t *Table) Exactly(code string) (State, bool) {
	i := slices.IndexFunc(t.States, func(s State) bool { return s.Code == code })
	if i < 0 {
		return State{}, false
	}
	return t.States[i], true
}

// Markdown returns the table as the documentation shows it.
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
