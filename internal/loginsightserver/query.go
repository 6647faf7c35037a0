package loginsightserver

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// The limits of queries, from the reference.
const (
	mostResults    = 20_000
	defaultResults = 100
	defaultSince   = time.Minute
)

// query answers a query for events.
func (s *Server) query(r *http.Request, path string) (any, error) {
	if err := onlyMethod(r, http.MethodGet); err != nil {
		return nil, err
	}
	if _, err := s.authorize(r, true); err != nil {
		return nil, err
	}
	limit, ascending, err := parameters(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	constraints, err := parseConstraints(path)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	events := s.find(constraints, limit, ascending)
	return map[string]any{"complete": true, "duration": time.Since(began).Milliseconds(), "events": shown(events)}, nil
}

// parameters reads the parameters of a query.
func parameters(rawQuery string) (limit int, ascending bool, err error) {
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return 0, false, refuse(http.StatusBadRequest, "the parameters are not URL-encoded")
	}
	limit = defaultResults
	for name, all := range values {
		if len(all) > 1 {
			return 0, false, refuse(http.StatusBadRequest, "the parameter %s is given twice", name)
		}
		switch value := all[0]; name {
		case "limit":
			limit, err = strconv.Atoi(value)
			if err == nil && limit < 1 {
				err = errors.New("too small")
			}
			limit = min(limit, mostResults) // the reference: you can raise the limit up to 20,000
		case "timeout":
			_, err = strconv.ParseUint(value, 10, 31)
		case "view":
			err = oneOf(value, "DEFAULT")
		case "order-by-direction":
			ascending, err = value == "ASC", oneOf(value, "ASC", "DESC")
		default:
			err = errors.New("unknown")
		}
		if err != nil {
			return 0, false, refuse(http.StatusBadRequest, "the parameter %s is wrong: %v", name, err)
		}
	}
	return limit, ascending, nil
}

func oneOf(value string, all ...string) error {
	if !slices.Contains(all, value) {
		return errors.New("it should be one of " + strings.Join(all, ", "))
	}
	return nil
}

// find returns the events that match, in the order of their timestamps, the newest
// first by default. The reference does not define the order of events with the same
// timestamp. Here, the event that was stored last comes first, unless Shuffle was
// called.
func (s *Server) find(constraints []constraint, limit int, ascending bool) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.ignoresTime {
		constraints = slices.DeleteFunc(constraints, func(c constraint) bool { return c.field == timestampField && c.number != 0 })
	}
	if s.cap > 0 {
		limit = min(limit, s.cap)
	}
	if !slices.ContainsFunc(constraints, func(c constraint) bool { return c.field == timestampField }) {
		constraints = append(constraints, constraint{field: timestampField, operator: "GE", number: now.Add(-defaultSince).UnixMilli()})
	}
	numbers, all := s.store.candidates(constraints)
	if all {
		numbers = make([]int, len(s.store.events))
		for i := range numbers {
			numbers[i] = i
		}
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	numbers = slices.DeleteFunc(numbers, func(n int) bool {
		e := &s.store.events[n]
		return e.visible.After(now) || !matches(&e.Event, constraints, now)
	})
	slices.SortStableFunc(numbers, func(a, b int) int {
		return int(s.store.events[a].Timestamp - s.store.events[b].Timestamp)
	})
	if !ascending {
		slices.Reverse(numbers)
	}
	if s.shuffle != nil {
		s.shuffleEqual(numbers)
	}
	var found []Event
	for _, n := range numbers[:min(limit, len(numbers))] {
		found = append(found, s.store.events[n].Event)
	}
	return found
}

// shuffleEqual changes the order of the events of each timestamp.
func (s *Server) shuffleEqual(numbers []int) {
	for len(numbers) > 0 {
		at := s.store.events[numbers[0]].Timestamp
		count := slices.IndexFunc(numbers, func(n int) bool { return s.store.events[n].Timestamp != at })
		if count < 0 {
			count = len(numbers)
		}
		equal := numbers[:count]
		s.shuffle.Shuffle(count, func(i, j int) { equal[i], equal[j] = equal[j], equal[i] })
		numbers = numbers[count:]
	}
}

// Shuffle makes each answer have the events of the same timestamp in another order.
func (s *Server) Shuffle(seed uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shuffle = rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // no secret
}

// IgnoreTime makes the server ignore all bounds of queries for the timestamp except the
// bound 0.
func (s *Server) IgnoreTime(ignores bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ignoresTime = ignores
}

// SetCap sets the largest number of events in an answer, regardless of the limit of the
// query. 0 stands for the number that the reference names.
func (s *Server) SetCap(events int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cap = events
}

// shown returns events as answers have them. A field whose content is in the text of
// the event is shown by its position. The server adds the fields source and
// event_type.
func shown(events []Event) []shownEvent {
	all := make([]shownEvent, len(events))
	for i := range events {
		e := &events[i]
		all[i] = shownEvent{
			Text: e.Text, Timestamp: e.Timestamp,
			TimestampString: time.UnixMilli(e.Timestamp).UTC().Format("2006-01-02 15:04:05.000 GMT+00:00"),
		}
		if e.Fields == nil {
			continue
		}
		for _, f := range append(slices.Clip(e.Fields), added...) {
			field := shownField{Name: f.Name}
			if f.Content != nil {
				if at := strings.Index(e.Text, *f.Content); at >= 0 && *f.Content != "" {
					start, length := units(e.Text[:at]), units(*f.Content)
					field.Start, field.Length = &start, &length
				} else {
					field.Content = f.Content
				}
			}
			all[i].Fields = append(all[i].Fields, field)
		}
	}
	return all
}

// units returns how many units of UTF-16 a text has.
func units(text string) int { return len(utf16.Encode([]rune(text))) }

type shownEvent struct {
	Text            string       `json:"text"`
	Timestamp       int64        `json:"timestamp"`
	TimestampString string       `json:"timestampString"`
	Fields          []shownField `json:"fields,omitempty"`
}

type shownField struct {
	Name    string  `json:"name"`
	Content *string `json:"content,omitempty"`
	Start   *int    `json:"startPosition,omitempty"`
	Length  *int    `json:"length,omitempty"`
}

// isAdded reports whether the server adds a field.
func isAdded(field string) bool {
	return slices.ContainsFunc(added, func(f Field) bool { return f.Name == field })
}

var (
	sourceContent = "127.0.0.1"
	typeContent   = "v4_d0382720"
	added         = []Field{{Name: "source", Content: &sourceContent}, {Name: "event_type", Content: &typeContent}}
)
