package mongo

import (
	"encoding/binary"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/osprofiler-otel/osprofiler/store/driver"
)

func numbered(n int) (id bson.ObjectID) {
	binary.BigEndian.PutUint64(id[4:], uint64(n))
	return id
}

// A ledger that is compared with a collection knows of each document whether it
// was yielded, as a set of ids does. From a cursor, it knows the buckets in which
// nothing changed.
func TestLedger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l ledger
		collection, yielded := map[int]bool{}, map[int]bool{}
		next := rapid.IntRange(1, 3000).Draw(t, "documents")
		for n := 0; n < next; n++ {
			collection[2*n], yielded[2*n] = true, true
			l.append(numbered(2 * n))
		}
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			for range rapid.IntRange(0, 50).Draw(t, "changes") {
				n := rapid.IntRange(0, 2*next).Draw(t, "number")
				if collection[n] {
					delete(collection, n)
				} else {
					collection[n] = true
				}
			}
			resumed := rapid.Bool().Draw(t, "resumed")
			if resumed {
				l = resume(t, &l)
			}
			unseen := l.compareAll(collection, 2*next)
			isUnseenOf := map[bson.ObjectID]bool{}
			for _, id := range unseen {
				isUnseenOf[id] = true
			}
			for n := range collection {
				isUnseen := isUnseenOf[numbered(n)]
				if !yielded[n] && n <= 2*next-2 && !isUnseen {
					t.Fatalf("the ledger takes %d for yielded", n)
				}
				if yielded[n] && isUnseen && !resumed {
					t.Fatalf("the ledger does not know that %d was yielded", n)
				}
			}
			for _, id := range unseen {
				l.add(id)
			}
			l.tidy()
			yielded = map[int]bool{}
			for n := range collection {
				if n <= 2*next-2 {
					yielded[n] = true
				}
			}
			if l.total() != len(yielded) {
				t.Fatalf("the ledger has %d documents, want %d", l.total(), len(yielded))
			}
		}
	})
}

// resume returns the ledger of the cursor of a ledger.
func resume(t *rapid.T, l *ledger) ledger {
	p := position{collection: "c", buckets: l.summary(mostInCursor)}
	parsed, err := parsePosition(p.cursor())
	if err != nil {
		t.Fatal(err)
	}
	resumed := ledger{buckets: parsed.buckets}
	if resumed.total() != l.total() || resumed.last() != l.last() || len(resumed.buckets) > mostInCursor {
		t.Fatalf("a cursor has %d documents up to %v, want %d up to %v", resumed.total(), resumed.last(), l.total(), l.last())
	}
	return resumed
}

// compareAll compares all buckets with a collection of numbers.
func (l *ledger) compareAll(collection map[int]bool, most int) (unseen []bson.ObjectID) {
	found := make([][]bson.ObjectID, len(l.buckets)+1) // the last are behind all buckets
	for n := 0; n <= most; n++ {
		if id := numbered(n); collection[n] {
			found[l.at(id)] = append(found[l.at(id)], id)
		}
	}
	for i := range l.buckets {
		unseen = append(unseen, l.compare(i, found[i])...)
	}
	return unseen
}

// A bucket in which too many ids were found is divided, and stays correct.
func TestLedgerDivide(t *testing.T) {
	for _, exact := range []bool{true, false} {
		var l ledger
		for n := range 1000 {
			l.append(numbered(n))
		}
		if !exact {
			l.buckets[0].ids = nil
		}
		var found []bson.ObjectID
		for n := range 500 {
			found = append(found, numbered(n))
		}
		l.divide(0, found)
		unseen := l.compare(0, found)
		if want := map[bool]int{true: 0, false: 500}[exact]; len(unseen) != want || len(l.buckets) != 2 {
			t.Errorf("exact %t: %d unseen, want %d; %d buckets", exact, len(unseen), want, len(l.buckets))
		}
	}
}

// A ledger has a bounded number of ids in memory, and still knows how many there
// were.
func TestLedgerIsBounded(t *testing.T) {
	var l ledger
	for n := range mostExact + 5*bucketSize {
		l.append(numbered(n))
	}
	if l.exact > mostExact || l.total() != mostExact+5*bucketSize || l.buckets[0].isExact() || !l.buckets[len(l.buckets)-1].isExact() {
		t.Errorf("%d ids in memory of %d; the first bucket is exact: %t", l.exact, l.total(), l.buckets[0].isExact())
	}
	if text := (&position{collection: "0123456789abcdef", buckets: l.summary(mostInCursor)}).cursor(); len(text) > 9000 {
		t.Errorf("a cursor of %d bytes", len(text))
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add(string((&position{}).cursor()))
	f.Add(string((&position{collection: "uuid", token: bson.Raw{5, 0, 0, 0, 0}, scanned: true}).cursor()))
	f.Add(string((&position{collection: "uuid", token: bson.Raw{5, 0, 0, 0, 0}, others: 3, buckets: []bucket{{last: numbered(1), count: 1, sum: 7}, {last: numbered(2)}}}).cursor()))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePosition(driver.Cursor(text))
		if err != nil || text == "" {
			return
		}
		if again := p.cursor(); string(again) != text {
			t.Errorf("the cursor %q is written as %q", text, again)
		}
	})
}
