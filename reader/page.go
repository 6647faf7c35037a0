package reader

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// pageElement begins the element that contains the report in a page of
// reader/render/html. Each line of the element is a gzip file in base64.
const pageElement = `<script type="application/octet-stream" id="report" data-encoding="gzip-base64-chunks">`

// The report in a page may have leastPageReport bytes, or pageRatio times the bytes of the
// page if that is more, but at most mostPageReport. Real reports are less than 50 times as
// large as their page.
const (
	leastPageReport = 256 << 20
	pageRatio       = 100
	mostPageReport  = 1 << 30
)

// dataMarkers precede the report in the HTML template of the Python tool.
var dataMarkers = []string{"OSProfilerData = ", "$scope.tree = ["}

// embedded returns the report in a page of reader/render/html or of the Python tool. A text
// that is not a page is returned as it is.
func embedded(text string) (string, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "<") {
		return text, nil
	}
	if _, chunks, ok := strings.Cut(text, pageElement); ok {
		return fromChunks(chunks)
	}
	for _, marker := range dataMarkers {
		if _, data, ok := strings.Cut(text, marker); ok {
			if end, err := pyjson.End(data, 0); err == nil {
				return data[:end], nil
			}
		}
	}
	return "", errors.New("the web page contains no whole report: it is cut off, or neither osp nor the Python tool wrote it")
}

// fromChunks decodes the report of a page. Everything behind the report's end in the chunks
// is only for the page.
func fromChunks(text string) (string, error) {
	text, _, ok := strings.Cut(text, "</script>")
	if !ok {
		return "", errors.New("the web page is cut off: save it again")
	}
	most := min(max(leastPageReport, pageRatio*len(text)), mostPageReport)
	size := 0
	for line := range strings.SplitSeq(text, "\n") {
		size += packedSize(line)
	}
	var report strings.Builder
	report.Grow(min(size, most))
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		if err := decompress(&report, strings.TrimSpace(line), most); err != nil {
			return "", fmt.Errorf("the report in the web page is damaged in part %d: %w", number, err)
		}
	}
	decoded := report.String()
	if end, err := pyjson.End(decoded, 0); err == nil {
		return decoded[:end], nil
	}
	return decoded, nil
}

// packedSize returns the decompressed size of a chunk, according to the end of its gzip file.
// If the chunk is damaged, it may return any number.
func packedSize(line string) int {
	line = strings.TrimSpace(line)
	end, err := base64.StdEncoding.DecodeString(line[max(0, len(line)-12):])
	if err != nil || len(end) < 4 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(end[len(end)-4:]))
}

// decompress appends a chunk to the report, which may have at most most bytes.
func decompress(report *strings.Builder, line string, most int) error {
	r, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(line)))
	if err != nil {
		return err
	}
	if _, err := io.Copy(report, io.LimitReader(r, int64(most-report.Len()+1))); err != nil {
		return err
	}
	if report.Len() > most {
		return fmt.Errorf("the report is larger than %d bytes", most)
	}
	return nil
}
