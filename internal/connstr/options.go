// Package connstr parses the query options of connection strings, and masks the
// passwords in texts.
//
// Each back end parses the rest of its connection string itself, because lists
// of hosts and Windows paths are not URLs. The options have the same syntax,
// checks and error texts in all back ends.
package connstr

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options are the options after the "?" of a connection string. A back end asks
// for each option that it supports, and then calls Done.
//
// An option may be repeated with the same value. Repeating it with different
// values is an error, unless the back end asks for all values with
// [Options.Each].
type Options struct {
	values    map[string][]string // the values of each option, in their order
	supported []string            // the options that the back end asked for
	err       error               // the first error

	afterSecret []string // names after a secret option, which may be a part of its value
	unclear     error    // replaces any other error, which might show a password
}

// Cut splits a connection string at its last "?" into the part before the
// options and the options. A text that starts with "?" consists of options only.
func Cut(connectionString string) (rest string, o *Options) {
	o = &Options{values: map[string][]string{}, unclear: unclear(connectionString)}
	i := strings.LastIndexByte(connectionString, '?')
	if strings.HasPrefix(connectionString, "?") {
		i = 0
	}
	if i < 0 {
		return connectionString, o
	}
	afterSecret := false
	for pair := range strings.SplitSeq(connectionString[i+1:], "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		key, value = o.unescape(key), o.unescape(value)
		o.values[key] = append(o.values[key], value)
		if afterSecret {
			o.afterSecret = append(o.afterSecret, key)
		}
		afterSecret = afterSecret || secretName.MatchString(key)
	}
	return connectionString[:i], o
}

// unclear returns an error if a connection string with a host has an "@" after
// its first "?". The "?" may then belong to the password, and so may everything
// that looks like a host or an option.
func unclear(connectionString string) error {
	rest := connectionString
	if scheme, after, ok := strings.Cut(rest, "://"); ok && !strings.Contains(scheme, "?") {
		rest = after
	}
	_, after, _ := strings.Cut(rest, "?")
	if strings.HasPrefix(rest, "/") || !strings.Contains(after, "@") {
		return nil
	}
	return errors.New(`the password contains a "?", which should be written %3F (or an option of the connection string contains an "@", which should be written %40)`)
}

// Safe returns err, unless err might show a part of the password. Then it returns
// an error that says how to write the password. A back end must pass each error
// that quotes its connection string through Safe. Done does so itself.
func (o *Options) Safe(err error) error {
	if err != nil && o.unclear != nil {
		return o.unclear
	}
	return err
}

// unescape decodes percent escapes and "+". Its error does not quote the text,
// because the text may be a password.
func (o *Options) unescape(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		o.fail(fmt.Errorf("the options of the connection string hold a percent sign that is no escape; it should be written %%25"))
	}
	return plain
}

// fail keeps the first error.
func (o *Options) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

// Take returns the value of an option, and whether the option is given. An option
// that is repeated with another value is an error.
func (o *Options) Take(name string) (text string, ok bool) {
	all := o.Each(name)
	if len(all) == 0 {
		return "", false
	}
	for _, other := range all[1:] {
		if other != all[0] {
			o.fail(fmt.Errorf("option %s of the connection string is repeated with different values; it should be given once", name))
		}
	}
	return all[0], true
}

// Each returns all values of an option that may be repeated.
func (o *Options) Each(name string) []string {
	o.supported = append(o.supported, name)
	return o.values[name]
}

// Default sets the value of an option that the connection string does not have, or
// has with an empty value. An empty value changes nothing.
func (o *Options) Default(name, value string) {
	given := slices.ContainsFunc(o.values[name], func(text string) bool { return text != "" })
	if value != "" && !given {
		o.values[name] = []string{value}
	}
}

// Text sets *value if the option is given.
func (o *Options) Text(name string, value *string) {
	if text, ok := o.Take(name); ok {
		*value = text
	}
}

// Filled is Text for an option that must not be empty, such as the file of the
// trusted certificates. A template may have left its value empty by mistake.
func (o *Options) Filled(name string, value *string) {
	o.Text(name, value)
	if text, ok := o.Take(name); ok && text == "" {
		o.fail(fmt.Errorf("option %s of the connection string is empty; it should have a value, or be left out", name))
	}
}

// An Option has the name and the value of an option. The value is empty if the
// option is not given.
type Option struct{ Name, Value string }

// Named reads an option as Filled does, and returns it with its name.
func (o *Options) Named(name string) Option {
	option := Option{Name: name}
	o.Filled(name, &option.Value)
	return option
}

// Ignore accepts options with any value and does nothing with them. It is for
// options that only tune another client library.
func (o *Options) Ignore(names ...string) {
	for _, name := range names {
		o.Each(name)
	}
}

// Refuse reports an error with the reason if an option is given. It is for
// options of a client library that would be unsafe to ignore.
func (o *Options) Refuse(name, why string) {
	if _, ok := o.Take(name); ok {
		o.fail(fmt.Errorf("option %s of the connection string is not supported: %s", name, why))
	}
}

// Starting returns the sorted names of the options with a prefix.
func (o *Options) Starting(prefix string) (names []string) {
	for name := range o.values {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Bool sets *value if the option is given. It accepts true, yes, on and 1, and
// false, no, off and 0, in any case. An option without a value is true.
func (o *Options) Bool(name string, value *bool) {
	o.bool(name, value, []string{"true", "yes", "on", "1", ""}, []string{"false", "no", "off", "0"})
}

// BoolAs is Bool for an option of a client library that reads only the words
// falses as false. Any other word for false is an error, because that library
// would read it as true, as redis-py does with "off".
func (o *Options) BoolAs(name string, value *bool, falses ...string) {
	o.bool(name, value, []string{"true", "yes", "on", "1", "t", "y"}, falses)
}

func (o *Options) bool(name string, value *bool, trues, falses []string) {
	text, ok := o.Take(name)
	if !ok {
		return
	}
	lower := strings.ToLower(text)
	switch {
	case slices.Contains(trues, lower):
		*value = true
	case slices.Contains(falses, lower):
		*value = false
	default:
		o.fail(wrong(name, text, "true or false"))
	}
}

// Duration sets *value if the option is given. It accepts seconds, as the Python
// library does (60, 0.1), or a number with a unit (1m30s), and no negative time.
func (o *Options) Duration(name string, value *time.Duration) {
	text, ok := o.Take(name)
	if !ok {
		return
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		d, err = time.ParseDuration(text + "s")
	}
	if err != nil || d < 0 {
		o.fail(wrong(name, text, "a time in seconds, like 0.5, or with a unit, like 500ms"))
		return
	}
	*value = d
}

// Int sets *value if the option is given. A number below least is an error.
func (o *Options) Int(name string, value *int, least int) {
	text, ok := o.Take(name)
	if !ok {
		return
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		o.fail(wrong(name, text, fmt.Sprintf("a whole number, at least %d", least)))
		return
	}
	*value = n
}

func wrong(name, text, right string) error {
	return fmt.Errorf("option %s=%s of the connection string should be %s", name, text, right)
}

// Rest returns the options that the back end has not asked for, with all of their
// values. The back end hands them to its client library. Done accepts them.
func (o *Options) Rest() url.Values {
	rest := url.Values{}
	for name, all := range o.values {
		if !slices.Contains(o.supported, name) {
			rest[name] = all
			o.supported = append(o.supported, name)
		}
	}
	return rest
}

// Done returns the first error: a value that could not be read, or an option that
// the back end did not ask for. The error of an unknown option lists the names
// that the back end supports. It does not quote the value, because the value may
// be a password.
func (o *Options) Done() error {
	if o.err != nil {
		return o.Safe(o.err)
	}
	var names, problems []string
	afterSecret := false
	for name := range o.values {
		switch {
		case slices.Contains(o.supported, name):
		case slices.Contains(o.afterSecret, name):
			afterSecret = true
		default:
			names = append(names, strconv.Quote(name))
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		problems = append(problems, "unknown option "+strings.Join(names, ", ")+" of the connection string")
	}
	if afterSecret {
		problems = append(problems, `unknown text after a password (an "&" in a password should be written %26)`)
	}
	if len(problems) == 0 {
		return nil
	}
	slices.Sort(o.supported)
	return o.Safe(fmt.Errorf("%s; this back end knows %s",
		strings.Join(problems, "; "), strings.Join(slices.Compact(o.supported), ", ")))
}
