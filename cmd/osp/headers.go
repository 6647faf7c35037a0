package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/bridge"
	"github.com/osprofiler-otel/osprofiler/internal/osloconfig"
)

type headersFlags struct {
	keyFile, key, baseID string

	osloPaths []string
}

func newHeaders() *cobra.Command {
	var f headersFlags
	cmd := &cobra.Command{
		Use:   "headers",
		Short: "Write the signed headers that make OSProfiler trace a request",
		Long: `headers writes the two header lines that make OSProfiler trace a request. It
writes the base id of the trace to standard error.

The key is one of the services' hmac_keys. It comes from a file, from
` + bridge.KeysVariable + ` in the environment, or from an argument, which every
user of the machine can see in the process list. The first key of a comma-separated
list signs.`,
		Example: `  export ` + bridge.KeysVariable + `="$(cat /etc/osprofiler/hmac_keys)"
  osp headers | curl -H @- http://nova.example:8774/v2.1/servers`,
		Args: noArguments,
		RunE: verb(func(cmd *cobra.Command, _ []string) error {
			return runHeaders(cmd, f)
		}),
	}
	f.addKeyFlags(cmd)
	cmd.Flags().StringVar(&f.baseID, "base-id", "", "the `id` of the trace (default: a new one)")
	return cmd
}

func runHeaders(cmd *cobra.Command, f headersFlags) error {
	key, err := signingKey(cmd, f)
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("base-id") && f.baseID == "" {
		return usagef("--base-id is empty; leave it out for a new id")
	}
	if !utf8.ValidString(f.baseID) { // because the header would have another id
		return usagef("--base-id %q should be valid UTF-8", f.baseID)
	}
	if f.baseID == "" {
		f.baseID = osprofiler.NewID()
	}
	info, mac := osprofiler.TraceInfo{BaseID: f.baseID, ParentID: f.baseID}.Pack(key)
	if len(info) > bridge.MaxHeader {
		return usagef("--base-id has %d bytes, too many for a header of at most %d bytes", len(f.baseID), bridge.MaxHeader)
	}
	if err := writeHeaders(cmd.OutOrStdout(), info, mac); err != nil {
		return err
	}
	id := f.baseID
	if isTerminal(cmd.ErrOrStderr()) {
		id = printable(id)
	}
	_, err = fmt.Fprintln(cmd.ErrOrStderr(), id)
	return err
}

func writeHeaders(w io.Writer, info, mac string) error {
	_, err := fmt.Fprintf(w, "%s: %s\n%s: %s\n", osprofiler.HeaderTraceInfo, info, osprofiler.HeaderTraceHMAC, mac)
	return err
}

// mostKeyFile is the largest size of a key file in bytes.
const mostKeyFile = 1 << 20

// signingKey returns the first key of the given flag, or else of the environment.
// No error shows a key.
func signingKey(cmd *cobra.Command, f headersFlags) (string, error) {
	keys, _, err := f.keys(cmd)
	if err != nil {
		return "", err
	}
	return keys[0], nil
}

// addKeyFlags adds the flags that name HMAC keys.
func (f *headersFlags) addKeyFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.keyFile, "hmac-key-file", "", "the `file` with the key")
	cmd.Flags().StringVar(&f.key, "hmac-key", "", "the `key` itself, which then shows in the process list")
	cmd.Flags().Var(&osloPath{&f.osloPaths}, "config-file", "take the keys from [profiler] hmac_keys of this `file` of an OpenStack service, such as /etc/nova/nova.conf; may be given several times")
}

// osloKeys returns the keys in the configuration files of a service.
func (f *headersFlags) osloKeys() (list, from string, err error) {
	from = "--config-file " + strings.Join(f.osloPaths, " ")
	config, err := osloconfig.Load(f.osloPaths...)
	if err == nil {
		list, err = config.HMACKeys()
	}
	switch {
	case err != nil:
		return "", "", fmt.Errorf("no HMAC key: %w", err)
	case list == "":
		return "", "", usagef("no HMAC key: %s has no hmac_keys in [profiler]", from)
	}
	return list, from, nil
}

// keys returns the keys of the given flag, or else of the environment, and their source. It
// writes warnings about the list.
func (f *headersFlags) keys(cmd *cobra.Command) (keys []string, from string, err error) {
	list, from := os.Getenv(bridge.KeysVariable), bridge.KeysVariable
	switch {
	case len(f.osloPaths) > 0 && (cmd.Flags().Changed("hmac-key-file") || cmd.Flags().Changed("hmac-key")):
		return nil, "", usagef("give only one of --config-file, --hmac-key-file and --hmac-key")
	case len(f.osloPaths) > 0:
		if list, from, err = f.osloKeys(); err != nil {
			return nil, "", err
		}
	case cmd.Flags().Changed("hmac-key-file") && cmd.Flags().Changed("hmac-key"):
		return nil, "", usagef("give only one of --hmac-key-file and --hmac-key")
	case cmd.Flags().Changed("hmac-key-file"):
		text, err := readBounded(cmd.Context(), f.keyFile, mostKeyFile)
		if err != nil {
			return nil, "", fmt.Errorf("no HMAC key: %w", err)
		}
		list, from = text, fmt.Sprintf("the file %q", f.keyFile)
	case cmd.Flags().Changed("hmac-key"):
		list, from = f.key, "--hmac-key"
	case list == "":
		return nil, "", usagef("no HMAC key: give --hmac-key-file, or set %s", bridge.KeysVariable)
	}
	keys, err = parseKeys(cmd, list, from)
	return keys, from, err
}

// parseKeys returns the keys of a list, and writes warnings about the list.
func parseKeys(cmd *cobra.Command, list, from string) ([]string, error) {
	keys, warnings, err := osprofiler.ParseKeys(list)
	if err != nil {
		return nil, usagef("%s: %v", from, err)
	}
	if len(keys) == 0 {
		return nil, usagef("%s contains no HMAC key", from)
	}
	for _, warning := range warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "osp: warning: %s: %s\n", from, warning)
	}
	if keys[0] == bridge.DefaultKey {
		fmt.Fprintf(cmd.ErrOrStderr(), "osp: warning: the HMAC key is %s, the default that everybody knows\n", bridge.DefaultKey)
	}
	return keys, nil
}
