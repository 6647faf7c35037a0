package osloconfig

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// sections holds the values of one file: by the normalised name of the section, by the
// name of the option, in the order of the file.
type sections map[string]map[string][]string

// A parser parses one file as oslo_config.iniparser does.
type parser struct {
	file     string
	sections sections

	section string // "" before the first one
	key     string // of the assignment that may be continued, or ""
	value   []string
}

// maxFile is the size of the largest file that is read. The files of services with all
// their comments have some 500 kB.
const maxFile = 16 << 20

// parse reads a file. An error names the line.
func parse(name string, r io.Reader) (sections, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, fmt.Errorf("%s has more than %d MiB, so it is no configuration file", name, maxFile>>20)
	case !utf8.Valid(text):
		return nil, fmt.Errorf("%s should be UTF-8 text", name)
	}
	p := &parser{file: name, sections: sections{}}
	number := 0
	for line := range strings.SplitSeq(unixLines(string(text)), "\n") {
		number++
		if err := p.line(strings.TrimRightFunc(line, isSpace)); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", name, number, err)
		}
	}
	p.assign()
	return p.sections, nil
}

// unixLines replaces the line ends of other systems, as Python does.
func unixLines(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// line parses a line without the blanks at its end. An error does not show the line,
// because the line may hold a password.
func (p *parser) line(line string) error {
	switch {
	case line == "":
		p.assign()
		return nil
	case line[0] == ' ' || line[0] == '\t':
		if p.key == "" {
			return errors.New("a line that begins with a blank continues the value above, but there is none")
		}
		p.value = append(p.value, strings.TrimLeftFunc(line, isSpace))
		return nil
	}
	p.assign()
	switch line[0] {
	case '[':
		return p.begin(line)
	case '#', ';':
		return nil
	}
	return p.split(line)
}

// begin begins a section. A section that is there already is continued.
func (p *parser) begin(line string) error {
	switch {
	case !strings.HasSuffix(line, "]"):
		return errors.New("the line of a section should end with ], as in [profiler]")
	case len(line) <= 2:
		return errors.New("the section has no name")
	}
	p.section = normalized(line[1 : len(line)-1])
	if p.sections[p.section] == nil {
		p.sections[p.section] = map[string][]string{}
	}
	return nil
}

// split begins the assignment of an option, as in name = value or name: value.
func (p *parser) split(line string) error {
	at := strings.IndexAny(line, ":=")
	if at < 0 {
		return errors.New("the line should be a [section], a comment, or an option as in name = value")
	}
	key := strings.TrimFunc(line[:at], isSpace)
	switch {
	case key == "":
		return fmt.Errorf("the option has no name in front of the %q", line[at:at+1])
	case p.section == "":
		return fmt.Errorf("option %q should stand below a section, such as [DEFAULT]", key)
	}
	p.key, p.value = key, []string{unquoted(strings.TrimFunc(line[at+1:], isSpace))}
	return nil
}

// unquoted drops one pair of quotes around a value. A lone quote is an empty value, as
// for oslo.config.
func unquoted(value string) string {
	if value == "" || value[0] != '"' && value[0] != '\'' || value[0] != value[len(value)-1] {
		return value
	}
	return value[1:max(len(value)-1, 1)]
}

// assign ends an assignment, whose value is complete then.
func (p *parser) assign() {
	if p.key == "" {
		return
	}
	options := p.sections[p.section]
	options[p.key] = append(options[p.key], strings.Join(p.value, "\n"))
	p.key, p.value = "", nil
}

// normalized returns the name by which oslo.config finds a section: upper and lower
// case are equal, except in the name DEFAULT.
func normalized(section string) string {
	if section == "DEFAULT" {
		return section
	}
	return strings.ToLower(section)
}

// isSpace reports whether str.strip of Python drops a character.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }
