package bridge

import (
	"sync"
	"sync/atomic"
)

// LastInput returns the number of the newest input. An input is one call of Notify with its
// notifications. Inputs are numbered 1, 2, 3, … in the order in which their calls begin.
//
// A program that reads notifications with a cursor calls Notify. When Notify has returned nil,
// the program stores LastInput together with the cursor that follows these notifications. The
// cursor is safe to resume from as soon as [Notifier.FinishedInput] has reached that number.
// If other goroutines call Notify at the same time, LastInput may be the number of one of
// their inputs. The cursor is then safe only when their inputs are finished, too.
func (n *Notifier) LastInput() uint64 { return n.inputs.lastNumber() }

// FinishedInput returns the number of the newest input up to which all inputs
// are finished, or 0 if there is none.
//
// An input is finished when its call has returned and every notification of it has left the
// Notifier. A notification leaves when its span is exported (with or without the other half),
// when it equals one that was exported, or when the error of its own call says that it was not
// taken. Thus a notification that waits for its other half, or waits again after a failed
// export, keeps its input unfinished. A notification that equals a waiting one leaves together
// with it.
//
// After [NewProcessorNotifier], "exported" means that the processor has received the span. A
// program must then call Flush before it relies on FinishedInput.
//
// FinishedInput never decreases. It takes a lock for a moment. Its cost does not depend on the
// number of waiting notifications.
func (n *Notifier) FinishedInput() uint64 { return n.inputs.finished() }

// An input is one call of Notify while it is unfinished.
type input struct {
	number     uint64
	unfinished atomic.Int64 // 1 for the call until it returns, and 1 for each of its waiting notifications

	older, newer *input
}

var inputPool = sync.Pool{New: func() any { return new(input) }}

// inputs numbers the inputs and lists the unfinished ones, by number.
type inputs struct {
	mu             sync.Mutex
	last           uint64
	oldest, newest *input
}

// begin adds the next input. It is unfinished until leave was called for the call itself and
// for each call of join.
func (l *inputs) begin() *input {
	in := inputPool.Get().(*input)
	in.unfinished.Store(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	in.number = l.last
	in.older = l.newest
	if l.newest == nil {
		l.oldest = in
	} else {
		l.newest.newer = in
	}
	l.newest = in
	return in
}

// join counts one more waiting notification.
func (in *input) join() { in.unfinished.Add(1) }

// leave records that the call has returned or that one notification has left. The caller must
// not use the input afterwards.
func (l *inputs) leave(in *input) {
	if in.unfinished.Add(-1) > 0 {
		return
	}
	l.remove(in)
	in.older, in.newer = nil, nil
	inputPool.Put(in)
}

func (l *inputs) remove(in *input) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if in.newer == nil {
		l.newest = in.older
	} else {
		in.newer.older = in.older
	}
	if in.older == nil {
		l.oldest = in.newer
	} else {
		in.older.newer = in.newer
	}
}

func (l *inputs) lastNumber() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

func (l *inputs) finished() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.oldest == nil {
		return l.last
	}
	return l.oldest.number - 1
}

// waitsFor makes a waiting half belong to an input. If the half already belongs to an input,
// the older input counts, because the reader of the newer one would resume after the half. The
// lock of the half's shard must be held.
func (l *inputs) waitsFor(h *half, in *input) {
	before := h.input
	if before != nil && before.number <= in.number {
		return
	}
	in.join()
	h.input = in
	if before != nil {
		l.leave(before)
	}
}
