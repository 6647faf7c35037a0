package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/internal/safetext"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/python"
)

// visibleDot writes the Python tool's graph to a terminal. It escapes stored texts, because
// that graph has them unchanged, control characters included.
func visibleDot(w io.Writer, report *reader.Report) error {
	var graph strings.Builder
	if err := python.Dot(&graph, report); err != nil {
		return err
	}
	for line := range strings.Lines(graph.String()) {
		text := strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "\t")
		if _, err := fmt.Fprintf(w, "\t%s\n", safetext.Escape(text)); err != nil {
			return err
		}
	}
	return nil
}

// renderGraph draws the graph into the PDF file of --render-dot, with the program
// dot. As the Python tool does, renderGraph appends .pdf to the name and creates
// the folders of the file. The Python tool also writes the graph into the file
// without .pdf and removes that file again.
func (s *traceShow) renderGraph(ctx context.Context, report *reader.Report) error {
	program, err := exec.LookPath("dot")
	if err != nil {
		return fmt.Errorf("cannot render the graph: there is no program %q; install Graphviz, or leave out --render-dot", "dot")
	}
	var graph, pdf bytes.Buffer
	if err := s.writeGraph(&graph, report); err != nil {
		return err
	}
	if err := runDot(ctx, program, &graph, &pdf); err != nil {
		return err
	}
	name := s.renderDot + ".pdf"
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil { //nolint:gosec // the umask decides, as for mkdir
		return fmt.Errorf("cannot write the file %q: %w", name, files.Reason(err))
	}
	return writeTo(ctx, name, nil, func(w io.Writer) error {
		_, err := w.Write(pdf.Bytes())
		return err
	})
}

// runDot renders a graph. With SERVER_NAME in the environment, Graphviz does not
// read the files that a graph may name.
func runDot(ctx context.Context, program string, graph io.Reader, pdf io.Writer) error {
	var stderr bytes.Buffer
	dot := exec.CommandContext(ctx, program, "-Tpdf")
	dot.Env = append(os.Environ(), "SERVER_NAME=osp")
	dot.Stdin, dot.Stdout, dot.Stderr = graph, pdf, &stderr
	err := dot.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	if line, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n"); line != "" {
		err = errors.New(line)
	}
	return fmt.Errorf("cannot render the graph: %q failed: %w", program, err)
}
