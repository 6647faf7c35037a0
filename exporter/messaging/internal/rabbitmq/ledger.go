package rabbitmq

import (
	"slices"
	"sort"
	"time"
)

// A ledger has the messages that were yielded but not acknowledged yet.
type ledger struct {
	last    uint64 // the last number
	entries []entry
}

// An entry is one message.
type entry struct {
	number  uint64
	lane    *lane
	session *session
	tag     uint64 // the broker's delivery tag on the channel of the session
	left    bool
}

// add numbers a message.
func (g *ledger) add(l *lane, s *session, tag uint64) (number uint64) {
	g.last++
	g.entries = append(g.entries, entry{number: g.last, lane: l, session: s, tag: tag})
	return g.last
}

// leave excludes a message from upTo. The number of a message from a lost connection is no
// longer in the ledger.
func (g *ledger) leave(number uint64) {
	i := sort.Search(len(g.entries), func(i int) bool { return g.entries[i].number >= number })
	if i == len(g.entries) || g.entries[i].number != number || g.entries[i].left {
		return
	}
	g.entries[i].left = true
	l := g.entries[i].lane
	if l.left == 0 {
		l.leftSince = time.Now()
	}
	l.left++
	l.narrowed++
}

// upTo returns the tags of the messages up to a number that were not left, in order and by
// session. A session whose messages were all left has no tags.
func (g *ledger) upTo(number uint64) map[*session][]uint64 {
	tags := map[*session][]uint64{}
	for _, e := range g.entries[:g.behind(number)] {
		if of := tags[e.session]; e.left {
			tags[e.session] = of
		} else {
			tags[e.session] = append(of, e.tag)
		}
	}
	return tags
}

// remove removes the messages of a session up to a number.
func (g *ledger) remove(s *session, number uint64) {
	n := g.behind(number)
	rest := slices.DeleteFunc(slices.Clone(g.entries[:n]), func(e entry) bool { return e.session == s })
	g.entries = slices.Replace(g.entries, 0, n, rest...)
}

// behind returns the index of the first message after a number.
func (g *ledger) behind(number uint64) int {
	return sort.Search(len(g.entries), func(i int) bool { return g.entries[i].number > number })
}

// pending returns how many messages of a lane wait to be acknowledged.
func (g *ledger) pending(l *lane) (n int) {
	for i := range g.entries {
		if e := &g.entries[i]; e.lane == l && !e.left {
			n++
		}
	}
	return n
}

// forget removes the messages of a lane.
func (g *ledger) forget(l *lane) {
	g.entries = slices.DeleteFunc(g.entries, func(e entry) bool { return e.lane == l })
}
