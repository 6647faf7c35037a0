package osprofiler

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // upstream's wire format: HMAC-SHA1, which is not broken as SHA-1 is
	"hash"
	"sync"
)

// maxSigners is how many keys signers remember: those of a rotation and some more.
const maxSigners = 4

// signers compute HMACs for one goroutine at a time. They keep what depends on
// the key alone, which is most of the work for texts as short as these.
type signers struct {
	known []signer
	next  int // to be forgotten
	text  []byte
	sum   [sha1.Size]byte
}

type signer struct {
	key  string
	hash hash.Hash
}

var signersPool = sync.Pool{New: func() any { return new(signers) }}

// maxKept is how much room for text signers keep.
const maxKept = 16 << 10

func (s *signers) release() {
	if cap(s.text) > maxKept {
		s.text = nil
	}
	signersPool.Put(s)
}

// with returns the signer of the key, ready for a text.
func (s *signers) with(key string) hash.Hash {
	for i := range s.known {
		if s.known[i].key == key {
			s.known[i].hash.Reset()
			return s.known[i].hash
		}
	}
	fresh := signer{key, hmac.New(sha1.New, []byte(key))}
	if len(s.known) < maxSigners {
		s.known = append(s.known, fresh)
	} else {
		s.known[s.next] = fresh
		s.next = (s.next + 1) % maxSigners
	}
	return fresh.hash
}

// sign returns the HMAC of the text, which the next call overwrites.
func (s *signers) sign(text []byte, key string) []byte {
	h := s.with(key)
	h.Write(text)
	return h.Sum(s.sum[:0])
}
