// Package connstr reads the query options of connection strings, and keeps
// passwords out of texts.
//
// Each back end parses the rest of its connection string itself, for a list of
// seeds or a Windows path is no URL; but options are spelled, checked and
// complained about in one way.
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

// Options are the options behind the "?" of a connection string. A back end
// asks for each option that it knows, then calls Done. An option may be
// repeated with the same value. With different values it is an error, except
// where all of them count, see [Options.Each].
type Options struct {
	values map[string][]string // each value of each option, in their order
	known  []string
	err    error

	behindSecret []string // names behind a password, which may be a part of it
	unclear      error    // instead of any other, which might show a password
}

// Cut separates a connection string from the options behind its last "?". The
// options may stand alone; then they begin at the first.
func Cut(connectionString string) (rest string, o *Options) {
	o = &Options{values: map[string][]string{}, unclear: unclear(connectionString)}
	i := strings.LastIndexByte(connectionString, '?')
	if strings.HasPrefix(connectionString, "?") {
		i = 0
	}
	if i < 0 {
		return connectionString, o
	}
	behindSecret := false
	for pair := range strings.SplitSeq(connectionString[i+1:], "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		key, value = o.unescape(key), o.unescape(value)
		o.values[key] = append(o.values[key], value)
		if behindSecret {
			o.behindSecret = append(o.behindSecret, key)
		}
		behindSecret = behindSecret || secretName.MatchString(key)
	}
	return connectionString[:i], o
}

// unclear returns an error if an "@" stands behind the first "?", where a
// server's name could stand before it: the "?" may be one of the password, and
// all that seems to be a host or an option be the password, too.
func unclear(connectionString string) error {
	rest := connectionString
	if scheme, behind, ok := strings.Cut(rest, "://"); ok && !strings.Contains(scheme, "?") {
		rest = behind
	}
	_, behind, _ := strings.Cut(rest, "?")
	if strings.HasPrefix(rest, "/") || !strings.Contains(behind, "@") {
		return nil
	}
	return errors.New(`the password holds a "?", which should be written %3F (or an option of the connection string an "@", which should be written %40)`)
}

// Safe returns err, or where err might show a part of the password, what the
// user should write. All that a back end says of the text of a connection
// string should go through it; Done does so itself.
func (o *Options) Safe(err error) error {
	if err != nil && o.unclear != nil {
		return o.unclear
	}
	return err
}

// unescape decodes percent escapes and "+". The error does not show the text,
// which may be a password.
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

// Take returns the text of an option, and whether it is there, and makes it
// known. An option that is repeated with another value is an error.
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

// Each returns all values of an option of which all count, and makes it known.
func (o *Options) Each(name string) []string {
	o.known = append(o.known, name)
	return o.values[name]
}

// Text sets *value if the option is there.
func (o *Options) Text(name string, value *string) {
	if text, ok := o.Take(name); ok {
		*value = text
	}
}

// Filled is Text for an option whose value must not be empty, such as one
// that says whom to trust: a template may have left it empty by mistake.
func (o *Options) Filled(name string, value *string) {
	o.Text(name, value)
	if text, ok := o.Take(name); ok && text == "" {
		o.fail(fmt.Errorf("option %s of the connection string is empty; it should have a value, or be left out", name))
	}
}

// Named takes an option as Filled does, and returns it with its name.
func (o *Options) Named(name string) Option {
	option := Option{Name: name}
	o.Filled(name, &option.Value)
	return option
}

// Ignore accepts options that only tune another client, whatever their values
// are.
func (o *Options) Ignore(names ...string) {
	for _, name := range names {
		o.Each(name)
	}
}

// Refuse makes it an error that an option is there, and says why. It is for an
// option that a client library has, and whose loss would be unsafe.
func (o *Options) Refuse(name, why string) {
	if _, ok := o.Take(name); ok {
		o.fail(fmt.Errorf("option %s of the connection string is not supported: %s", name, why))
	}
}

// Starting returns the names of the options that begin with a prefix, sorted.
func (o *Options) Starting(prefix string) (names []string) {
	for name := range o.values {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Bool sets *value if the option is there: true, yes, on and 1, or false, no,
// off and 0, in any case. An option without a value is true.
func (o *Options) Bool(name string, value *bool) {
	o.bool(name, value, []string{"true", "yes", "on", "1", ""}, []string{"false", "no", "off", "0"})
}

// BoolAs is Bool for an option of a client library that reads only these words
// as false. Any other word for false, such as "off" in redis-py, is an error:
// the library takes it for true.
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

// Duration sets *value if the option is there: seconds, as in the Python
// library (60, 0.1), or with a unit (1m30s). It is never negative.
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

// Int sets *value if the option is there and not less than least.
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

// Rest returns the options that nobody asked for, which belong to the client
// library, with all of their values, and makes them known.
func (o *Options) Rest() url.Values {
	rest := url.Values{}
	for name, all := range o.values {
		if !slices.Contains(o.known, name) {
			rest[name] = all
			o.known = append(o.known, name)
		}
	}
	return rest
}

// Done returns what was wrong: a value that could not be read, or an option
// that nobody asked for, with the names of those that are known. The value of
// an unknown one is not shown, since it may be a password.
func (o *Options) Done() error {
	if o.err != nil {
		return o.Safe(o.err)
	}
	var unknown []string
	inDoubt := ""
	for name := range o.values {
		switch {
		case slices.Contains(o.known, name):
		case slices.Contains(o.behindSecret, name):
			inDoubt = `behind a password (an "&" of the password should be written %26)`
		default:
			unknown = append(unknown, strconv.Quote(name))
		}
	}
	slices.Sort(unknown)
	if inDoubt != "" {
		unknown = append(unknown, inDoubt)
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(o.known)
	return o.Safe(fmt.Errorf("unknown option %s of the connection string; this back end knows %s",
		strings.Join(unknown, ", "), strings.Join(slices.Compact(o.known), ", ")))
}
