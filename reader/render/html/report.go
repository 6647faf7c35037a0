package html

import (
	"bytes"
	"compress/gzip"
	"encoding/json"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/reader"
)

// chunkSize is how many bytes of a saved report are compressed together. A browser
// decodes one chunk in about a millisecond.
const chunkSize = 256 << 10

// An encodedReport is a saved report in compressed chunks.
type encodedReport struct {
	chunks [][]byte
	length int64                   // of the report; the chunks behind it are only for the page
	infos  map[*reader.Node]extent // where the info of an operation is
}

// An extent is a range of bytes.
type extent struct{ at, size int64 }

// encodeReport writes the saved report. Behind it, it writes the infos of the operations
// whose info is not found in the report.
func encodeReport(r *reader.Report) (*encodedReport, error) {
	e := &encodedReport{infos: map[*reader.Node]extent{}}
	w := &chunker{}
	err := r.EncodeCompact(w, func(n *reader.Node, begin, end int64) {
		e.infos[n] = extent{begin, end - begin}
	})
	if err != nil {
		return nil, err
	}
	e.length = w.length
	for _, n := range r.Nodes() {
		if _, ok := e.infos[n]; ok {
			continue
		}
		at := w.length
		if _, err := w.Write(infoOf(n)); err != nil {
			return nil, err
		}
		e.infos[n] = extent{at, w.length - at}
	}
	e.chunks, err = w.close()
	return e, err
}

// infoOf returns an info of an operation, with its notifications.
func infoOf(n *reader.Node) []byte {
	dst := append([]byte(`{"name": `), pyjson.AppendString(nil, n.Name)...)
	for _, e := range n.Events {
		dst = append(append(dst, ", "...), pyjson.AppendString(nil, e.Key())...)
		dst = pyjson.Compact.Append(append(dst, ": "...), e.Payload)
	}
	return append(dst, '}')
}

// A chunker compresses what is written to it in chunks.
type chunker struct {
	length  int64 // the bytes that were written
	pending []byte
	chunks  [][]byte
	gzip    *gzip.Writer
}

// Write implements io.Writer.
func (c *chunker) Write(p []byte) (int, error) {
	c.length += int64(len(p))
	written := len(p)
	for len(p) > 0 {
		n := min(len(p), chunkSize-len(c.pending))
		c.pending, p = append(c.pending, p[:n]...), p[n:]
		if len(c.pending) < chunkSize {
			break
		}
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
	return written, nil
}

func (c *chunker) flush() error {
	chunk, err := compress(&c.gzip, c.pending)
	c.chunks, c.pending = append(c.chunks, chunk), c.pending[:0]
	return err
}

func (c *chunker) close() ([][]byte, error) {
	if len(c.pending) == 0 {
		return c.chunks, nil
	}
	err := c.flush()
	return c.chunks, err
}

// compressJSON compresses a document at the best level, which takes little time because the
// index is small.
func compressJSON(document any) ([]byte, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	w, err := gzip.NewWriterLevel(nil, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	return compress(&w, text)
}

// compress compresses a text. It reuses the compressor if there is one.
func compress(w **gzip.Writer, text []byte) ([]byte, error) {
	var out bytes.Buffer
	if *w == nil {
		*w = gzip.NewWriter(&out)
	} else {
		(*w).Reset(&out)
	}
	if _, err := (*w).Write(text); err != nil {
		return nil, err
	}
	if err := (*w).Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
