package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The flags about spans.
const (
	prefixFlag = "service-name-prefix"
	maxAgeFlag = "max-age"
)

func (f *forward) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.from, "from", nil, "the `source` to read (default: the value of "+connectionVariable+"); may be given several times")
	flags.StringArrayVar(&f.to, "to", nil, "the `target` to write to (default: the value of "+targetVariable+"); may be given several times")
	flags.StringArrayVar(&f.baseIDs, "base-id", nil, "copy only the trace of this `id`; may be given several times")
	flags.Var(&f.since, "since", "copy only traces that began at this `time` or later")
	flags.Var(&f.until, "until", "copy only traces that began before this `time`")
	flags.Var(&f.failed, "error-trace", "copy only traces in which something failed")
	flags.Lookup("error-trace").NoOptDefVal = "True"
	flags.Var(&f.minDuration, "min-duration", "copy only traces that took at least this long: a `duration` like 500ms, 2s or 1m30s")
	flags.BoolVar(&f.dryRun, "dry-run", false, "write nothing, and say how many notifications would be written")
	flags.String(configFlag, "", "read all options from this YAML `file`, whose keys are the names of the flags")
	addConfigFiles(flags, &f.osloPaths, "source")
	flags.StringVar(&f.namePrefix, prefixFlag, "", "begin the names of services in spans with this `text` (default: that of [profiler_otlp] in --config-file)")
	flags.Var(&f.redact, "redact", "replace these `values` by ***: all, or names with commas between them: db-params, sql-literals, function-args, function-results")
	flags.Var(&f.maxAge, maxAgeFlag, "send an operation as an incomplete span if its other half has not come for this `duration` (default 10m)")
	f.addFollowFlags(flags)
}

// addFollowFlags adds the flags that need --follow.
func (f *forward) addFollowFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.following, "follow", false, "go on with what comes, until the command is stopped")
	flags.StringVar(&f.follow.state, "state", "", "keep in this `folder` what a restart needs (default: that of "+stateVariable+", which systemd sets)")
	flags.StringVar(&f.follow.deadLetters, "dead-letters", "", "write messages of a bus that cannot be read to this `file`, and acknowledge them")
	flags.StringArrayVar(&f.follow.services, "service", nil, "forward only traces in which this `service` takes part; may be given several times, and may have the wildcards * and ?")
	flags.StringArrayVar(&f.follow.names, "name", nil, "forward only traces with an operation of this `name`, such as wsgi; may be given several times, and may have the wildcards * and ?")
	flags.Var(&f.follow.settle, "settle", "decide about a trace when nothing of it has come for this `duration` (default 30s)")
	flags.Var(&f.follow.poll, "poll-interval", "look for new notifications in a store every so often: a `duration` (default 1s)")
	flags.Var(&f.follow.grace, "grace", "after SIGTERM or SIGINT, try for this `duration` to write what was read (default 10s)")
	flags.StringVar(&f.follow.listen, "listen", defaultListen, "answer /healthz, /readyz and /metrics on this `address`; none: nowhere")
	flags.StringVar(&f.follow.logFormat, "log-format", logText, "write the log as text or json: a `format`")
}

// onlyFollow are the flags that have no meaning without --follow. onlyOnce are the flags that
// have no meaning with it.
var (
	onlyFollow = []string{"state", "dead-letters", "service", "name", "settle", "poll-interval", "grace", "listen", "log-format"}
	onlyOnce   = []string{"base-id", "since", "until", "dry-run"}
)

func (f *forward) checkOnce(cmd *cobra.Command) error {
	for _, name := range onlyFollow {
		if cmd.Flags().Changed(name) {
			return usagef("--%s has a meaning with --follow only", name)
		}
	}
	return nil
}

// complete offers schemes for the sources and targets, and base ids of the source.
func (f *forward) complete(cmd *cobra.Command) {
	completeConnectionString(cmd, "from")
	completeConnectionString(cmd, "to")
	baseIDs := func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		connection := ""
		if len(f.from) > 0 {
			connection = f.from[0]
		}
		return completeBaseID(cmd.Context(), connection, typed), cobra.ShellCompDirectiveNoFileComp
	}
	words := func(all ...string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return all, cobra.ShellCompDirectiveNoFileComp
		}
	}
	dirs := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	for name, function := range map[string]func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective){
		"base-id": baseIDs, "log-format": words(logText, logJSON), "redact": words(append(redactionNames(), "all")...),
		"state": dirs, "config-dir": dirs, "listen": words(defaultListen, listenNone),
	} {
		if err := cmd.RegisterFlagCompletionFunc(name, function); err != nil {
			panic(err) // a programming error: the flag is not defined
		}
	}
}
