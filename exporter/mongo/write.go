package mongo

import (
	"context"
	"errors"

	"github.com/osprofiler-otel/osprofiler"
)

// Write implements driver.Writer.
func (d *database) Write(ctx context.Context, batch []osprofiler.Notification) error {
	return errors.New("not yet")
}
