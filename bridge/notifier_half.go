package bridge

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"sync"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A half is a notification, which is half of an operation. It waits for the other half or is
// being exported.
type half struct {
	notification osprofiler.Notification
	stop         bool
	exportFailed bool   // it waits again, because its export failed
	ids          uint64 // hash of base_id and trace_id
	value        uint64 // hash of the notification as a JSON value

	sequence      uint64        // the order in which notifications came
	waitOrder     uint64        // the order in which halves wait; a new one after a failed export
	waitsSince    time.Duration // the time since the Notifier was created
	reserved      int64         // bytes of the budget; 0 if the half never waited
	input         *input        // the input that is unfinished while the half waits; nil if the half never waited
	exportingCall *call         // the call that exports the half; nil if none does
	outcome       *outcome      // the outcome of the half's own export, or of the export of the equal half for which it waits

	older, newer *half // the neighbours in the shard, by waitOrder
	next         *half // the next half with the same ids hash, by waitOrder
}

var halfPool = sync.Pool{New: func() any { return new(half) }}

func recycle(h *half) {
	*h = half{}
	halfPool.Put(h)
}

// size returns the memory that is counted for a half.
func (h *half) size() int64 {
	const fixed = 328 // the struct, an input and an entry of a map
	return fixed + int64(h.notification.Size())
}

func (h *half) hasIDsOf(other *half) bool {
	return h.notification.BaseID == other.notification.BaseID && h.notification.TraceID == other.notification.TraceID
}

func (h *half) equal(other *half) bool {
	return h.value == other.value && h.notification.Equal(other.notification)
}

// A pair becomes one span. It has one half, or two halves of which one is a stop.
type pair struct {
	first, second *half
	reason        reason
}

// notifications returns the halves by their kind.
func (p pair) notifications() (start, stop *osprofiler.Notification) {
	for _, h := range [...]*half{p.first, p.second} {
		switch {
		case h == nil:
		case h.stop:
			stop = &h.notification
		default:
			start = &h.notification
		}
	}
	return start, stop
}

// read fills a half from a notification, unless the notification is invalid.
func (n *Notifier) read(h *half, from *osprofiler.Notification) error {
	h.notification = *from
	info, plain := n.hashOfInfo(from.Info)
	if !plain {
		if err := from.Validate(); err != nil {
			return err
		}
		h.notification.Info = osprofiler.Info(strings.Trim(string(from.Info), " \t"))
		info, plain = n.hashOfInfo(h.notification.Info)
	}
	h.stop = from.Half() == osprofiler.Stop
	h.ids = mix(maphash.String(n.seed, from.BaseID), maphash.String(n.seed, from.TraceID))
	if !plain || !from.Plain() {
		h.value = pyjson.Hash(n.seed, h.notification.JSON())
		return nil
	}
	h.value = mix(h.ids, info)
	for _, text := range [...]string{from.Name, from.ParentID, from.Timestamp, from.Project, from.Service} {
		h.value = mix(h.value, maphash.String(n.seed, text))
	}
	return nil
}

// hashOfInfo hashes an info. ok is false unless the info is one JSON object on
// one line without blanks around it.
func (n *Notifier) hashOfInfo(info osprofiler.Info) (hash uint64, ok bool) {
	if info == "" {
		info = "{}"
	}
	text := string(info)
	if text[0] != '{' || strings.IndexByte(text, '\n') >= 0 || strings.IndexByte(text, '\r') >= 0 {
		return 0, false
	}
	return pyjson.Sum(n.seed, text)
}

// mix makes one hash of two hashes. Their order matters.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0x9E3779B97F4A7C15, b^0xD1B54A32D192ED03)
	return high ^ low
}
