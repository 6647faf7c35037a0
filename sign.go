package osprofiler

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the wire format is HMAC-SHA1, which is not broken as SHA-1 is
	"hash"
	"sync"
)

// maxSigners is the number of keys that signers cache. A rotation of keys has fewer.
const maxSigners = 4

// signers compute HMACs for one goroutine at a time. They cache the state of the HMAC after
// the key, because computing that state is most of the work for short texts.
type signers struct {
	cached []signer
	oldest int // index into cached of the one that is replaced next
	text   []byte
	sum    [sha1.Size]byte
}

type signer struct {
	key  string
	hash hash.Hash
}

var signersPool = sync.Pool{New: func() any { return new(signers) }}

// maxCached is the capacity of a buffer that signers reuse, in bytes.
const maxCached = 16 << 10

func (s *signers) release() {
	if cap(s.text) > maxCached {
		s.text = nil
	}
	signersPool.Put(s)
}

// with returns the HMAC of the key, ready for a text.
func (s *signers) with(key string) hash.Hash {
	for i := range s.cached {
		if s.cached[i].key == key {
			s.cached[i].hash.Reset()
			return s.cached[i].hash
		}
	}
	fresh := signer{key, hmac.New(sha1.New, []byte(key))}
	if len(s.cached) < maxSigners {
		s.cached = append(s.cached, fresh)
	} else {
		s.cached[s.oldest] = fresh
		s.oldest = (s.oldest + 1) % maxSigners
	}
	return fresh.hash
}

// sign returns the HMAC of the text, which the next call overwrites.
func (s *signers) sign(text []byte, key string) []byte {
	h := s.with(key)
	h.Write(text)
	return h.Sum(s.sum[:0])
}
