package bridge

import "sync"

// underWay lists the calls in progress, in the order of their sequences.
type underWay struct {
	mu             sync.Mutex
	oldest, newest *call
}

// beginCall gives a call the sequences of its notifications. Every half that waits because of
// the call has a greater waitOrder than c.before.
func (n *Notifier) beginCall(c *call) {
	count := uint64(len(c.notifications))
	u := &n.underWay
	u.mu.Lock()
	defer u.mu.Unlock()
	c.before = n.sequence.Add(count) - count
	if c.older = u.newest; c.older != nil {
		c.older.newer = c
	} else {
		u.oldest = c
	}
	u.newest = c
}

func (u *underWay) end(c *call) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		u.oldest = c.newer
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		u.newest = c.older
	}
}

// settled returns the greatest sequence up to which no call in progress will change the
// waiting halves.
func (n *Notifier) settled() uint64 {
	u := &n.underWay
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.oldest != nil {
		return u.oldest.before
	}
	return n.sequence.Load()
}
