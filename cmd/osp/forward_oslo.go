package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/osprofiler-otel/osprofiler/internal/osloconfig"
	"github.com/osprofiler-otel/osprofiler/store"
)

// An osloPath is the value of the flags --config-file and --config-dir. Both append to one
// list, because their order matters.
type osloPath struct{ paths *[]string }

// String implements pflag.Value.
func (o *osloPath) String() string {
	if o.paths == nil {
		return ""
	}
	return strings.Join(*o.paths, ",")
}

// Type implements pflag.Value.
func (o *osloPath) Type() string { return "path" }

// Set implements pflag.Value.
func (o *osloPath) Set(text string) error {
	if text == "" {
		return errors.New("it should be the path of a configuration file of an OpenStack service")
	}
	*o.paths = append(*o.paths, text)
	return nil
}

// addConfigFiles adds the flags --config-file and --config-dir.
func addConfigFiles(flags *pflag.FlagSet, paths *[]string, what string) {
	flags.Var(&osloPath{paths}, "config-file", "take the "+what+" from this `file` of an OpenStack service, such as /etc/nova/nova.conf; may be given several times")
	flags.Var(&osloPath{paths}, "config-dir", "as --config-file, with the files *.conf of this `folder`")
}

// addStoreOfService adds --config-file and --config-dir to a verb that reads a store. Before
// the verb runs, these flags supply the store if --connection-string does not name one, or
// the options that the connection string lacks.
func addStoreOfService(cmd *cobra.Command, connection *string) {
	var paths []string
	addConfigFiles(cmd.Flags(), &paths, "store")
	cmd.PreRunE = verb(func(*cobra.Command, []string) error {
		if len(paths) == 0 {
			return nil
		}
		config, err := osloconfig.Load(paths...)
		if err != nil {
			return err
		}
		if *connection == "" {
			*connection, err = readableIn(config, "name a store by --connection-string")
			return err
		}
		if *connection, err = config.Complete(*connection); err != nil {
			return usageError{fmt.Errorf("--config-file: %w", err)}
		}
		return nil
	})
}

// readableIn returns the store or the bus to which the services send. If they send to a
// sink, the error says what to do instead.
func readableIn(config *osloconfig.Config, instead string) (string, error) {
	connection, err := config.ConnectionString()
	if err != nil {
		return "", usageError{fmt.Errorf("--config-file: %w", err)}
	}
	if store.IsSink(connection) {
		return "", usagef("--config-file: the services send spans to a sink (%s), where they cannot be read; %s", store.Scheme(connection), instead)
	}
	return connection, nil
}

// fromOslo takes from the files of a service the settings that no flag sets: the source, the
// bus of messaging://, and the prefix of service names. A given prefix counts even if it is
// "".
func (f *forward) fromOslo(prefixGiven bool) error {
	if len(f.osloPaths) == 0 {
		return nil
	}
	config, err := osloconfig.Load(f.osloPaths...)
	if err != nil {
		return err
	}
	if len(f.from) == 0 {
		from, err := readableIn(config, "listen for them by OTLP, with --from "+listenExample+", or name a store or a bus by --from")
		if err != nil {
			return err
		}
		f.from = []string{from}
	}
	for _, list := range [][]string{f.from, f.to} {
		for i, text := range list {
			if list[i], err = config.Complete(text); err != nil {
				return usageError{fmt.Errorf("--config-file: %w", err)}
			}
		}
	}
	if !prefixGiven {
		f.namePrefix, err = config.ServiceNamePrefix()
	}
	return err
}
