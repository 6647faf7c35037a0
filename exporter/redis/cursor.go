package redis

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/cursor"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A position describes what a feed has yielded, and from which database. Its
// text is the cursor. The text has at most 1024 sums of six bytes and a few
// samples, so that it stays below 9 KB for any number of traces.
type position struct {
	sums    bucketSums
	samples []sample
}

// bucketCount is the number of buckets of keys. A feed that begins at a cursor
// yields again the lists of each bucket in which a list changed.
const bucketCount = 1024

// bucketSums contains, for each bucket, the sum of the digests of its lists, of
// 48 bits.
type bucketSums [bucketCount]uint64

const sumBytes, sumMask = 6, 1<<48 - 1

// keyHash returns the hash of a key, which is the same in all processes.
func keyHash(key string) uint64 {
	sum := sha256.Sum256([]byte(key))
	return binary.BigEndian.Uint64(sum[:])
}

func bucketOf(hash uint64) int { return int(hash % bucketCount) }

// replace removes a list with the length before from the sums and adds it with
// the length after. A list of length 0 does not count.
func (s *bucketSums) replace(hash uint64, before, after uint32) {
	bucket := &s[bucketOf(hash)]
	*bucket = (*bucket - digest(hash, before) + digest(hash, after)) & sumMask
}

// digest mixes the bits of a key's hash and the length of its list, as the
// generator SplitMix64 does.
func digest(hash uint64, length uint32) uint64 {
	if length == 0 {
		return 0
	}
	z := hash + uint64(length)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return (z ^ z>>31) & sumMask
}

// A sample is a key and the checksum of its oldest entry, which does not change
// while entries are added. If a sample of a cursor is still right, the cursor
// belongs to this database.
type sample struct {
	key      string
	checksum uint32
}

const (
	maxSamples = 4
	// maxSampleKey is the length of a key up to which it makes a good sample.
	maxSampleKey = 256
	// maxLongKey is the length up to which a key is a sample if there is no
	// shorter key.
	maxLongKey = 4096
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sampleOf(key, oldest string) sample {
	return sample{key, crc32.Checksum([]byte(oldest), castagnoli)}
}

// addSample adds a sample. Half of the samples are the first ones, and the other
// half are the last ones, because traces may expire or be deleted by age.
func (f *feed) addSample(s sample) {
	switch {
	case len(s.key) > maxLongKey || len(s.key) > maxSampleKey && len(f.samples) > 0:
	case len(f.samples) < maxSamples:
		f.samples = append(f.samples, s)
	default:
		f.samples = append(slices.Delete(f.samples, maxSamples/2, maxSamples/2+1), s)
	}
}

// addSamples makes samples of these keys if too few samples are left.
func (f *feed) addSamples(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if len(f.samples) >= maxSamples/2 {
			return nil
		}
		if slices.ContainsFunc(f.samples, func(s sample) bool { return s.key == key }) || f.lists[keyHash(key)].length == 0 {
			continue
		}
		oldest, ok, err := f.oldestEntry(ctx, key)
		if err != nil {
			return err
		}
		if ok {
			f.addSample(sampleOf(key, oldest))
		}
	}
	return nil
}

// standing returns the samples of a cursor that are still right. If no sample is,
// it returns an error, because the cursor is not from this database.
func (d *database) standing(ctx context.Context, from store.Cursor, samples []sample) (right []sample, err error) {
	for _, s := range samples {
		oldest, ok, err := d.oldestEntry(ctx, s.key)
		if err != nil {
			return nil, err
		}
		if ok && sampleOf(s.key, oldest) == s {
			right = append(right, s)
		}
	}
	if len(right) == 0 {
		return nil, codec.Foreign(string(from), d.name)
	}
	return right, nil
}

// oldestEntry returns the oldest entry of a list or the value of a legacy key.
// ok is false if the key does not exist or has another type.
func (d *database) oldestEntry(ctx context.Context, key string) (text string, ok bool, err error) {
	if strings.HasPrefix(key, listPrefix) {
		parts, err := d.getParts(ctx, []listRange{{key, 1, 1}})
		if err != nil || len(parts[0].entries) == 0 {
			return "", false, err
		}
		return parts[0].entries[0], true, nil
	}
	values, err := d.getStrings(ctx, []string{key})
	if err != nil || len(values) == 0 || values[0].err != nil {
		return "", false, err
	}
	return values[0].text, true, nil
}

// codec writes and reads cursors.
var codec = cursor.Codec{Prefix: "redis2", Kind: "Redis"}

// cursor returns the text of a position. The text is empty at the beginning. It
// is also empty if there is no sample; a feed from there yields everything
// again.
func (p *position) cursor() store.Cursor {
	if len(p.samples) == 0 {
		return ""
	}
	var w cursor.Writer
	w.Uint(uint64(len(p.samples)))
	for _, s := range p.samples {
		w.Text(s.key)
		w.Uint32(s.checksum)
	}
	for word := range slices.Chunk(p.sums[:], 64) {
		used := uint64(0)
		for i, sum := range word {
			if sum != 0 {
				used |= 1 << i
			}
		}
		w.Uint64(used)
		for _, sum := range word {
			if sum != 0 {
				w.Uint16(uint16(sum >> 32))
				w.Uint32(uint32(sum))
			}
		}
	}
	return store.Cursor(codec.Encode(w.Body()))
}

// parseCursor is the inverse of cursor.
func parseCursor(c store.Cursor) (p position, err error) {
	if c == "" {
		return p, nil
	}
	r, err := codec.Decode(string(c))
	if err != nil {
		return p, err
	}
	for range r.Count(maxSamples) {
		p.samples = append(p.samples, sample{r.Text(), r.Uint32()})
	}
	for word := range slices.Chunk(p.sums[:], 64) {
		used := r.Uint64()
		for i := range word {
			if used&(1<<i) != 0 {
				word[i] = uint64(r.Uint16())<<32 | uint64(r.Uint32())
			}
		}
	}
	if !r.Done() || len(p.samples) == 0 {
		return position{}, codec.Invalid(string(c))
	}
	return p, nil
}
