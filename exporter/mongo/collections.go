package mongo

import (
	"context"
	"sync/atomic"
)

// indexState remembers that the indexes were looked after.
type indexState struct{ done atomic.Bool }

// ensureIndexes creates the indexes that reading needs to be fast, if they are
// missing and the user may create them.
func (d *database) ensureIndexes(context.Context) {}
