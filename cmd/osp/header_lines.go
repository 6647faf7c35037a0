package main

import (
	"regexp"
	"strings"

	"github.com/osprofiler-otel/osprofiler"
)

// traceHeaders has the values of the two headers of one request.
type traceHeaders struct{ info, mac []string }

func (h *traceHeaders) empty() bool    { return len(h.info)+len(h.mac) == 0 }
func (h *traceHeaders) complete() bool { return len(h.info) > 0 && len(h.mac) > 0 }

// add adds the trace headers in a text.
func (h *traceHeaders) add(text string) {
	for _, match := range traceHeader.FindAllStringSubmatch(text, -1) {
		if strings.EqualFold(match[1], "info") {
			h.info = append(h.info, match[2])
		} else {
			h.mac = append(h.mac, match[2])
		}
	}
}

// headerArguments joins arguments that are header lines, such as "X-Trace-Info: …".
func headerArguments(args []string) (*string, error) {
	for _, arg := range args {
		for line := range strings.Lines(arg) {
			if strings.TrimSpace(line) != "" && !anyHeader.MatchString(line) && !traceHeader.MatchString(line) {
				return nil, usagef("%q is no header line; it should read like %q", strings.TrimSpace(line), osprofiler.HeaderTraceInfo+": eyJ…")
			}
		}
	}
	text := strings.Join(args, "\n")
	return &text, nil
}

var (
	// dumpPrefix is the text that curl writes before a line: "> " (-v), an offset
	// (--trace-ascii), or a time before either of them.
	dumpPrefix = regexp.MustCompile(`^\s*(?:[0-9:.]{8,15}\s+)?(?:[<>]\s|[0-9a-fA-F]{4,8}:\s)?\s*`)
	// requestLine matches the first line of a request. responseLine matches that of a
	// response.
	requestLine  = regexp.MustCompile(`^[A-Z]{3,16} \S+ HTTP/[0-9.]+$`)
	responseLine = regexp.MustCompile(`^HTTP/[0-9.]+ [0-9]{3}\b`)
	// anyHeader matches a header line.
	anyHeader = regexp.MustCompile(`^\s*["']?[A-Za-z0-9-]+["']?\s*:`)
	// traceHeader matches one of the two headers in a line, also in an argument of curl, or
	// in a JSON object, a Python dictionary (also with bytes or lists) or a WSGI environment.
	// A value has no blanks.
	traceHeader = regexp.MustCompile(`(?i)(?:^|[^\w-]|-H)(?:HTTP_)?X[-_]Trace[-_](Info|HMAC)["']?\s*:\s*(?:\[?\s*[bu]?["']|\[)?([^\s"',\]}]*)`)
	// curlCommand matches the begin of a request in a log of commands.
	curlCommand = regexp.MustCompile(`(?:^|\s)curl\s`)
)

// requests returns the trace headers of each request in a text. A request ends at
// the next request or response line, at the next curl command, and, if it has both
// headers, at an empty line and at the end of an object. Requests without such headers are left out.
func requests(text string) (all []traceHeaders) {
	var h traceHeaders
	end := func() {
		if !h.empty() {
			all = append(all, h)
		}
		h = traceHeaders{}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(strings.TrimSpace(line), "* ") { // curl repeats the headers of HTTP/2 in such lines
			continue
		}
		line = strings.TrimRight(line[len(dumpPrefix.FindString(line)):], " \t")
		switch {
		case requestLine.MatchString(line), responseLine.MatchString(line), line == "" && h.complete():
			end()
			continue
		case curlCommand.MatchString(line):
			end()
		}
		for _, part := range strings.SplitAfter(line, "}") {
			h.add(part)
			if h.complete() && strings.HasSuffix(part, "}") {
				end()
			}
		}
	}
	end()
	return all
}
