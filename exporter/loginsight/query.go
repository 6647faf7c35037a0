package loginsight

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Constraint is a condition of a query: a field, an operator, and a value. A query
// finds the events that fulfil all constraints. Constraints with the same field and
// operator are alternatives. The reference of the API lists the operators: CONTAINS,
// HAS, EXISTS (without a value), and for timestamp LT, LE, GT, GE, EQ, NE and LAST.
type Constraint struct{ Field, Operator, Value string }

// Contains returns the constraint that a field contains the words of a text one after
// another, in upper or lower case.
func Contains(field, text string) Constraint { return Constraint{field, "CONTAINS", text} }

// appendTo appends the constraint as a part of a path, in the form of Python's client.
func (q Constraint) appendTo(path []byte) []byte {
	path = append(append(path, url.PathEscape(q.Field)...), '/')
	path = append(path, url.QueryEscape(q.Operator)...)
	if q.Value != "" {
		path = append(append(path, '+'), url.QueryEscape(q.Value)...)
	}
	return path
}

// The operators for the timestamp that the API also takes as symbols.
var symbols = map[string]string{"<": "LT", "<=": "LE", ">": "GT", ">=": "GE", "=": "EQ", "!=": "NE"}

// operator returns the operator in letters.
func (q Constraint) operator() string {
	if name, ok := symbols[q.Operator]; ok {
		return name
	}
	return q.Operator
}

// until adds an upper border in time to constraints. The operator LE includes the border
// itself. Constraints with the same operator are alternatives, so the border is put into
// each of them.
func until(constraints []Constraint, operator string, border int64) []Constraint {
	bound := Constraint{timestampName, operator, strconv.FormatInt(border, 10)}
	isBounded := false
	all := make([]Constraint, 0, len(constraints)+1)
	for _, one := range constraints {
		if one.Field == timestampName && one.operator() == operator {
			isBounded = true
			if at, err := strconv.ParseInt(one.Value, 10, 64); err == nil && at > border {
				one = bound
			}
		}
		all = append(all, one)
	}
	if !isBounded {
		all = append(all, bound)
	}
	return all
}

// MaxEvents is the largest number of events that a server returns for one query.
const MaxEvents = 20_000

// A Query is a query for events.
type Query struct {
	Constraints []Constraint
	// Limit is how many events are wanted, the newest ones. 0 stands for MaxEvents,
	// as in the Python library.
	Limit int
}

// anyTime is the constraint that Python's client adds to each query. Without a constraint
// on the timestamp, a server searches only the last minute. A query that has its own lower
// bound with this operator does not get anyTime, because the two would be alternatives.
var anyTime = Constraint{timestampName, "GT", "0"}

const timestampName = "timestamp"

// path returns the path and the parameters of a query, in Python's form.
func (q *Query) path(timeout time.Duration) (path, query string) {
	text := []byte(eventsPath)
	add := func(one Constraint) {
		if len(text) > len(eventsPath) {
			text = append(text, '/')
		}
		text = one.appendTo(text)
	}
	times := []Constraint{anyTime}
	for _, one := range q.Constraints {
		switch {
		case one.Field != timestampName:
			add(one)
		case one.operator() == anyTime.Operator && times[0] == anyTime:
			times[0] = one
		default:
			times = append(times, one)
		}
	}
	for _, one := range times {
		add(one)
	}
	return string(text), "limit=" + strconv.Itoa(q.limit()) + "&timeout=" + strconv.FormatInt(timeout.Milliseconds(), 10)
}

// limit returns how many events are wanted.
func (q *Query) limit() int {
	if q.Limit == 0 {
		return MaxEvents
	}
	return q.Limit
}

// A Result is the answer to a query.
type Result struct {
	// Events are in the order of the answer. A server returns the newest first.
	Events []Event
	// Complete is false if the server did not find all events within the query
	// timeout, or for another reason. Warnings then says why.
	Complete bool
	Warnings []string

	timedOut bool // a warning says so
}

// QueryEvents sends one query. A server returns at most MaxEvents events. [Client.Events]
// yields all. For an answer of more than 64 MiB, the error is ErrTooMuch. A server that
// is busy (429, 503) is asked again, up to four times.
func (c *Client) QueryEvents(ctx context.Context, q Query) (Result, error) {
	path, query := q.path(c.config.QueryTimeout)
	var result Result
	err := patiently(ctx, true, func() error {
		return c.withSession(ctx, func(session string) error {
			return c.do(ctx, request{
				method: http.MethodGet, path: path, query: query, session: session,
				timeout: c.config.QueryTimeout + c.config.Timeout,
				read: func(body io.Reader) (err error) {
					result, err = readResult(body, q.limit())
					return err
				},
			})
		})
	})
	return result, c.explain(ctx, err)
}

// ErrTooMuch is the error for an answer that is too large to be held in memory.
var ErrTooMuch = errors.New("the answer is larger than 64 MiB")

// Events yields all events that match the constraints, the newest first, also more
// than MaxEvents. It asks for one slice of time after the other, and holds at most
// one answer in memory. No connection is in use while yield runs.
//
// An answer that is not complete is an error that wraps a *store.TransientError, behind
// the events that came. If one millisecond has MaxEvents events or more, no query can
// select the rest. The error for the missing events comes at the end.
func (c *Client) Events(ctx context.Context, constraints ...Constraint) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for page, err := range c.pages(ctx, constraints) {
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if err != nil {
				yield(Event{}, err)
				return
			}
		}
	}
}

// pages yields the events of [Client.Events] by pages. The last page may come with
// an error.
func (c *Client) pages(ctx context.Context, constraints []Constraint) iter.Seq2[[]Event, error] {
	return func(yield func([]Event, error) bool) {
		s := newTimeSlices(c, constraints)
		for !s.done {
			page, err := s.next(ctx)
			if !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// incomplete returns the error for an answer that is not complete.
func (c *Client) incomplete(r Result) error {
	why := strings.Join(r.Warnings, "; ")
	if why != "" {
		why = ": " + shortText(c.hide(why))
	}
	return &store.TransientError{Err: explained.New(errIncomplete,
		"%s did not find all events within the query_timeout of %v%s", c.server.Name, c.config.QueryTimeout, why)}
}

var errIncomplete = errors.New("incomplete answer")
