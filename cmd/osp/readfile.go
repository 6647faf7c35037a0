package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// readBounded reads a whole file: a regular file, a pipe or a device. A file of more
// than most bytes is an error. readBounded returns when ctx ends, even if nobody
// writes to the pipe.
func readBounded(ctx context.Context, name string, most uint64) (string, error) {
	text, err := await(ctx, func() (string, error) {
		file, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer func() { _ = file.Close() }() // nothing was written
		var text strings.Builder
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			if uint64(info.Size()) > most {
				return "", tooLarge(most)
			}
			text.Grow(int(info.Size()) + 1)
		}
		_, err = io.Copy(&text, io.LimitReader(file, int64(most)+1))
		return text.String(), err
	})
	if err == nil && uint64(len(text)) > most {
		err = tooLarge(most)
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the file %q: %w", name, files.Reason(err))
	}
	return text, nil
}

func tooLarge(most uint64) error {
	return fmt.Errorf("it is larger than %s, the limit for such a file", humanize.IBytes(most))
}
