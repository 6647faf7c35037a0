package osloconfig

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A reference names an option.
type reference struct{ section, option string }

func (r reference) String() string { return fmt.Sprintf("%s in [%s]", r.option, r.section) }

// placeholder matches what string.Template of Python replaces, with the names that
// oslo.config allows: $$, $name, $group.name, ${name} and ${group.name}.
var placeholder = regexp.MustCompile(`(?i)\$(?:(\$)|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})`)

// maxValue is the length of the longest value, so that references to references cannot
// fill the memory.
const maxValue = 1 << 20

// A resolver replaces the references in one value.
type resolver struct {
	*Config

	path  []reference          // the options whose values are being replaced
	known map[reference]string // values of options that were replaced
}

// substitute replaces the references in the value of an option.
func (c *Config) substitute(text string, of reference) (string, error) {
	r := &resolver{Config: c, known: map[reference]string{}}
	return r.substitute(text, of)
}

// substitute replaces the references in a value. Any other dollar sign stands for
// itself.
func (c *resolver) substitute(text string, of reference) (string, error) {
	if slices.Contains(c.path, of) || len(c.path) > 100 {
		return "", fmt.Errorf("the value of option %s refers to itself", of)
	}
	c.path = append(c.path, of)
	defer func() { c.path = c.path[:len(c.path)-1] }()
	text = strings.ReplaceAll(text, `\$`, "$$")
	var out strings.Builder
	rest := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(text[rest:at[0]])
		rest = at[1]
		if at[2] >= 0 {
			out.WriteByte('$')
			continue
		}
		name := text[max(at[4], at[6]):max(at[5], at[7])]
		value, err := c.referred(name, of)
		if err != nil {
			return "", err
		}
		if out.Len()+len(value) > maxValue {
			return "", fmt.Errorf("the value of option %s is too long", of)
		}
		out.WriteString(value)
	}
	return out.String() + text[rest:], nil
}

// referred returns the value that a reference stands for: the value of an option of the
// group that the reference names, or else of the same section, or else of [DEFAULT].
func (c *resolver) referred(name string, of reference) (value string, err error) {
	r := reference{of.section, name}
	if group, option, ok := strings.Cut(name, "."); ok {
		if group == groupDefault || group != normalized(group) {
			group = "" // oslo.config knows no group of this name
		}
		r = reference{group, option}
	}
	for _, r := range []reference{r, {groupDefault, name}} {
		if value, ok := c.known[r]; ok {
			return value, nil
		}
		if text, ok := c.last(r.section, r.option); ok {
			if value, err = c.substitute(text, r); err == nil {
				c.known[r] = value
			}
			return value, err
		}
	}
	return "", fmt.Errorf("the value of option %s refers to $%s, which no file sets (its default is known to the service only); set it, or write \\$ for a dollar sign", of, name)
}
