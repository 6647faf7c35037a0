package mongo

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler/internal/cursor"
	"github.com/osprofiler-otel/osprofiler/store/driver"
)

// A position says which documents a feed has yielded, and of which collection. The text
// of the position is the cursor. It has at most mostInCursor buckets, so that it stays
// below 8 KB however many documents there are.
type position struct {
	collection string   // the UUID of the collection; empty if it is not known
	token      bson.Raw // of the change stream, behind which everything is to come; nil without one
	scanned    bool     // everything in front of the token was yielded
	buckets    []bucket // what was yielded, unless scanned
	others     int      // how many documents with _ids of other types were yielded
}

var codec = cursor.Codec{Prefix: "mongo1", Kind: "MongoDB"}

// cursor returns the text of the position.
func (p *position) cursor() driver.Cursor {
	var w cursor.Writer
	w.Text(p.collection)
	w.Text(string(p.token))
	if p.scanned {
		return driver.Cursor(codec.Encode(w.Body()))
	}
	w.Uint(uint64(p.others))
	w.Uint(uint64(len(p.buckets)))
	for i := range p.buckets {
		b := &p.buckets[i]
		w.Text(string(b.last[:]))
		w.Uint(uint64(b.count))
		w.Uint64(b.sum)
	}
	return driver.Cursor(codec.Encode(w.Body()))
}

// parsePosition parses a cursor. The empty cursor is the beginning.
func parsePosition(from driver.Cursor) (p position, err error) {
	if from == "" {
		return p, nil
	}
	r, err := codec.Decode(string(from))
	if err != nil {
		return p, err
	}
	p.collection = r.Text()
	if token := r.Text(); token != "" {
		p.token = bson.Raw(token)
	}
	p.scanned = p.token != nil && !r.More()
	valid := p.token == nil || p.token.Validate() == nil
	if !p.scanned {
		p.others = r.Count(maxInt32)
		for range r.Count(mostInCursor) {
			var b bucket
			valid = copy(b.last[:], r.Text()) == len(b.last) && valid
			b.count, b.sum = r.Count(maxInt32), r.Uint64()
			p.buckets = append(p.buckets, b)
		}
	}
	if !r.Done() || !valid {
		return position{}, codec.Invalid(string(from))
	}
	for i := 1; i < len(p.buckets); i++ {
		if compareIDs(p.buckets[i-1].last, p.buckets[i].last) >= 0 {
			return position{}, codec.Invalid(string(from))
		}
	}
	return p, nil
}

const maxInt32 = 1<<31 - 1
