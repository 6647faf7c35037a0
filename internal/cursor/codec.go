// Package cursor writes and reads the cursors of stores.
//
// A cursor is a text that a program may keep for years, log, and pass as an
// argument. So it has no characters that a shell or a URL changes:
//
//	redis2:AAECAwQFBg
//
// The prefix before the colon is the kind of store and the version of the format.
// The body and a checksum follow the colon, in base64url without padding. The
// checksum covers the prefix, too. So a text that was cut, changed, or written for
// another kind of store or by another version is an error, never a wrong position.
package cursor

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/store"
)

// A Codec writes and reads the cursors of one kind of store.
type Codec struct {
	// Prefix is the kind of store and the version of the format: "redis2". It
	// has no colon.
	Prefix string
	// Kind names the kind of store in errors: "Redis".
	Kind string
}

var (
	table    = crc32.MakeTable(crc32.Castagnoli)
	encoding = base64.RawURLEncoding
)

const checksumSize = 4

// Encode returns the cursor with a body.
func (c *Codec) Encode(body []byte) string {
	whole := make([]byte, 0, len(body)+checksumSize)
	whole = binary.BigEndian.AppendUint32(append(whole, body...), c.checksum(body))
	text := make([]byte, 0, len(c.Prefix)+1+encoding.EncodedLen(len(whole)))
	return string(encoding.AppendEncode(append(append(text, c.Prefix...), ':'), whole))
}

// Decode returns a reader of the cursor's body. It accepts exactly what Encode
// returns.
func (c *Codec) Decode(cursor string) (*Reader, error) {
	text, ok := strings.CutPrefix(cursor, c.Prefix+":")
	if !ok {
		return nil, c.Invalid(cursor)
	}
	whole, err := encoding.DecodeString(text)
	if err != nil || len(whole) < checksumSize {
		return nil, c.Invalid(cursor)
	}
	body := whole[:len(whole)-checksumSize]
	if c.Encode(body) != cursor { // the decoder ignores line ends and spare bits
		return nil, c.Invalid(cursor)
	}
	return &Reader{rest: body}, nil
}

func (c *Codec) checksum(body []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(c.Prefix+":"), table), table, body)
}

// Invalid returns the error about a text that is not a cursor of this kind of
// store. store.ErrCursor is in the error's chain.
func (c *Codec) Invalid(cursor string) error {
	return explained.New(store.ErrCursor, "cannot resume from the cursor %s: it is no cursor of %s", shown(cursor), c.Kind)
}

// Foreign returns the error about a cursor that does not belong to this store,
// or whose store was replaced. name names the store: "Redis at 10.0.0.5:6379".
// store.ErrCursor is in the error's chain.
func (c *Codec) Foreign(cursor, name string) error {
	return explained.New(store.ErrCursor, "cannot resume from the cursor %s: it is not of %s, or what it refers to was deleted or replaced", shown(cursor), name)
}

// shown quotes a cursor for an error. It cuts a long cursor.
func shown(cursor string) string {
	const most = 60
	if len(cursor) <= most {
		return fmt.Sprintf("%q", cursor)
	}
	return fmt.Sprintf("%q…", strings.ToValidUTF8(cursor[:most], ""))
}
