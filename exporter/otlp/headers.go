package otlp

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/files"
)

// readHeaders reads the options for headers. A header in the connection string wins
// over one of the file.
func readHeaders(o *connstr.Options) (map[string]string, error) {
	file := o.Named("osp_headers_file")
	headers, err := headersOfFile(file)
	for _, text := range o.Each("osp_header") {
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			// The text is not quoted, because it may be a secret.
			return nil, errors.New("option osp_header of the connection string should be a name and a value, as in osp_header=x-scope-orgid:cloud")
		}
		headers = merged(headers, map[string]string{strings.TrimSpace(name): strings.TrimSpace(value)})
	}
	return headers, err
}

// headersOfFile reads a file with one "name: value" a line. Empty lines and lines that
// begin with "#" are skipped.
func headersOfFile(file connstr.Option) (map[string]string, error) {
	if file.Value == "" {
		return nil, nil
	}
	text, err := files.ReadSmall(file.Value)
	if err != nil {
		return nil, fmt.Errorf("cannot read the headers of option %s=%q: %w; it should be a file with one \"name: value\" a line", file.Name, file.Value, files.Reason(err))
	}
	headers := map[string]string{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("line %d of the file %q of option %s should be \"name: value\"", number, file.Value, file.Name)
		}
		headers[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	return headers, nil
}

// headerName matches the header names that gRPC accepts.
var headerName = regexp.MustCompile(`^[0-9a-z_.-]+$`)

// checkHeaders refuses headers that cannot be sent. No error shows a value.
func checkHeaders(headers map[string]string) error {
	for name, value := range headers {
		switch {
		case !headerName.MatchString(name):
			// The name is not quoted, because it may be a secret in a wrong place.
			return errors.New("the name of a header cannot be sent; it should have letters, digits, \"-\", \"_\" and \".\" only")
		case strings.HasPrefix(name, "grpc-") || strings.HasSuffix(name, "-bin") || name == "content-type" || name == "content-length" || name == "content-encoding" || name == "transfer-encoding" || name == "host" || name == "te":
			return fmt.Errorf("the header %q belongs to the protocol and cannot be set", name)
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
			return fmt.Errorf("the value of the header %q cannot be sent; it should be printable ASCII", name)
		}
	}
	return nil
}
