package main

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// pythonOptions are the long options of the Python tool by subcommand of trace. The tool's
// argument parser accepts every unique beginning of an option.
var pythonOptions = map[string][]string{
	"show": {"connection-string", "transport-url", "idle-timeout", "json", "html", "local-libs", "dot", "render-dot", "out", "help"},
	"list": {"connection-string", "error-trace", "help"},
}

// pythonRootOptions are the long options before the subcommand.
var pythonRootOptions = []string{"version", "help"}

// busFlags are the flags of the Python tool for messaging://. The Python tool gives
// them to every driver, and the other drivers ignore them.
type busFlags struct {
	transportURL string
	idleTimeout  pythonInt
}

var (
	transportURLUsage = connstr.Own("the message bus as a `URL`, for the connection string messaging://")
	idleTimeoutUsage  = connstr.Own("wait so many seconds for further notifications of the trace, for messaging://")
)

// addPythonShowFlags adds flags of the Python tool: two for messaging://, and one that
// changes nothing here.
func (b *busFlags) addPythonShowFlags(flags *pflag.FlagSet) {
	flags.StringVar(&b.transportURL, "transport-url", "", transportURLUsage)
	flags.Var(&b.idleTimeout, "idle-timeout", idleTimeoutUsage)
	flags.Bool("local-libs", false, "use local files in the page of --html, accepted because the Python tool has it")
}

// apply adds the flags to a connection string of a message bus.
func (b *busFlags) apply(connectionString string) (string, error) {
	if store.Scheme(connectionString) != "messaging" {
		return connectionString, nil
	}
	connectionString = strings.TrimSpace(connectionString)
	if !strings.Contains(connectionString, "://") {
		connectionString += "://"
	}
	add := func(option string) {
		separator := "?"
		if strings.Contains(connectionString, "?") {
			separator = "&"
		}
		connectionString += separator + option
	}
	if b.transportURL != "" {
		if strings.Contains(connectionString, "transport_url=") {
			return "", usagef("--transport-url names the message bus, and so does the connection string; give one of them")
		}
		add("transport_url=" + strings.ReplaceAll(url.QueryEscape(b.transportURL), "+", "%20"))
	}
	if b.idleTimeout != "" {
		add("idle_timeout=" + b.idleTimeout.digits())
	}
	return connectionString, nil
}

// A pythonInt is a flag that accepts the same ASCII texts as Python's int.
type pythonInt string

var pythonIntText = regexp.MustCompile(`^[+-]?[0-9]+(_[0-9]+)*$`)

// String implements pflag.Value.
func (i *pythonInt) String() string { return string(*i) }

// Type implements pflag.Value.
func (i *pythonInt) Type() string { return "seconds" }

// digits returns the number in plain digits. For a negative number it returns 0, because that
// does not wait either.
func (i *pythonInt) digits() string {
	text := strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(string(*i)), "+"), "_", "")
	if strings.HasPrefix(text, "-") {
		return "0"
	}
	return text
}

// Set implements pflag.Value.
func (i *pythonInt) Set(text string) error {
	if !pythonIntText.MatchString(strings.TrimSpace(text)) {
		return errors.New("it should be a whole number of seconds, such as 5")
	}
	*i = pythonInt(text)
	return nil
}

// expandOptions expands the shortened options of the Python tool, such as --conn for
// --connection-string. A flag of ours is never taken as a shortened option.
func expandOptions(root *cobra.Command, args []string) []string {
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		first := expandOption(args[0], pythonRootOptions, root.Flags())
		if first == "--version" || first == "-v" {
			return []string{"--version"} // whatever arguments follow
		}
		return append([]string{first}, args[1:]...)
	}
	if len(args) < 2 || args[0] != "trace" || pythonOptions[args[1]] == nil {
		return args
	}
	cmd, _, err := root.Find(args[:2])
	if err != nil {
		return args
	}
	expanded := append([]string(nil), args...)
	for i := 2; i < len(args) && args[i] != "--"; i++ {
		if !strings.HasPrefix(args[i], "--") {
			continue
		}
		expanded[i] = expandOption(args[i], pythonOptions[args[1]], cmd.Flags())
		name := strings.TrimPrefix(expanded[i], "--")
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.NoOptDefVal == "" {
			i++ // the next argument is the value
		}
	}
	return expanded
}

// expandOption expands an option if it is the beginning of exactly one.
func expandOption(arg string, options []string, flags *pflag.FlagSet) string {
	long, isLong := strings.CutPrefix(arg, "--")
	name, value, hasValue := strings.Cut(long, "=")
	if !isLong || name == "" || flags.Lookup(name) != nil {
		return arg
	}
	full := ""
	for _, option := range options {
		if !strings.HasPrefix(option, name) {
			continue
		}
		if full != "" {
			return arg // with several candidates, cobra reports an unknown flag
		}
		full = option
	}
	switch {
	case full == "":
		return arg
	case hasValue:
		return "--" + full + "=" + value
	}
	return "--" + full
}
