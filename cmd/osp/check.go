package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

type check struct {
	headersFlags

	headers    string // a file
	connection string
	store      bool
	write      bool
	timeout    time.Duration
	json       bool
	secrets    []string // texts that contain passwords, which errors may repeat
}

func newCheck() *cobra.Command {
	c := &check{}
	cmd := &cobra.Command{
		Use:   "check [HEADER…]",
		Short: "Check which key signs header lines, or whether a store can be used",
		Long: `check reads the header lines of a request and says which of the HMAC keys signs
them, or why none does. The lines are arguments, a file, or the standard input, in
the form in which curl -v, curl --trace-ascii, a proxy or "osp headers" writes
them. Other lines are ignored.

With --connection-string, or with --store for the store that
` + connectionVariable + ` names, check says whether the store can
be reached, read and written, or whether a server of spans (otlp://) takes requests.
Nothing is created and nothing is left there. What was not tested is said. --write also writes a trace, reads it back and deletes it,
except where a trace cannot be deleted again: on a message bus it declares what is
missing, and writes nothing.

Without arguments, flags and input, check checks the store of the environment.

The exit code is 0 only if nothing failed.`,
		Example: `  curl -sv -H "X-Trace-Info: $INFO" -H "X-Trace-HMAC: $MAC" http://nova.example/ 2>&1 | osp check
  osp check --hmac-key-file /etc/osprofiler/hmac_keys --headers request.txt
  osp check --store --write`,
		Args: cobra.ArbitraryArgs,
		RunE: verb(c.run),
	}
	c.addKeyFlags(cmd)
	addConnectionString(cmd, &c.connection)
	flags := cmd.Flags()
	flags.StringVar(&c.headers, "headers", "", "the `file` with the header lines; - is the standard input")
	flags.BoolVar(&c.store, "store", false, "check the store that "+connectionVariable+" names")
	flags.BoolVar(&c.write, "write", false, "also write a trace to the store, read it back, and delete it; on a message bus, declare what is missing")
	flags.DurationVar(&c.timeout, "timeout", 10*time.Second, "how long each check of the store may take")
	flags.BoolVar(&c.json, "json", false, "write one JSON object a line")
	return cmd
}

func (c *check) run(cmd *cobra.Command, args []string) error {
	if c.timeout <= 0 {
		return usagef("--timeout %s should be longer than 0, such as 10s", c.timeout)
	}
	lines, err := c.lines(cmd, args)
	if err != nil {
		return err
	}
	if c.write && !c.store {
		return usagef("--write needs a store: give --connection-string, or --store for the store that %s names", connectionVariable)
	}
	at := ""
	if c.store {
		if at, err = connectionString(c.connection); err != nil {
			return err
		}
		c.secrets = []string{at}
	}
	var found []finding
	if lines != nil {
		if found, err = c.checkHeaders(cmd, *lines); err != nil {
			return err
		}
	}
	if c.store {
		ofStore, err := c.checkStore(cmd.Context(), at)
		if err != nil {
			return err
		}
		found = append(found, ofStore...)
	}
	return c.conclude(cmd.Context(), cmd.OutOrStdout(), found)
}

// lines returns the text with header lines, or nil if only the store is to be
// checked. It sets c.store if a store is to be checked.
func (c *check) lines(cmd *cobra.Command, args []string) (*string, error) {
	c.store = c.store || cmd.Flags().Changed("connection-string")
	switch {
	case len(args) > 0 && cmd.Flags().Changed("headers"):
		return nil, usagef("give header lines as arguments or by --headers, not both")
	case len(args) > 0:
		return headerArguments(args)
	case c.headers == "-":
		return c.readInput(cmd)
	case cmd.Flags().Changed("headers"):
		return c.read(cmd, c.headers)
	case c.store:
		return nil, nil //nolint:nilnil // documented
	case hasInput():
		text, err := c.readInput(cmd)
		if err != nil || *text != "" {
			return text, err
		}
	}
	if os.Getenv(connectionVariable) == "" {
		return nil, usagef("nothing to check: give header lines, or name a store by --connection-string or %s", connectionVariable)
	}
	c.store = true
	return nil, nil //nolint:nilnil // documented
}

// mostHeaderLines is the largest size of a text with header lines, in bytes.
const mostHeaderLines = 16 << 20

// read reads the header lines of a file.
func (c *check) read(cmd *cobra.Command, name string) (*string, error) {
	if name == "" {
		return nil, usagef("--headers names no file; - is the standard input")
	}
	text, err := readBounded(cmd.Context(), name, mostHeaderLines)
	return &text, err
}

// readInput reads the header lines of the standard input.
func (c *check) readInput(cmd *cobra.Command) (*string, error) {
	if isTerminalInput(cmd.InOrStdin()) {
		fmt.Fprintln(cmd.ErrOrStderr(), "osp: type or paste the header lines, and end with Ctrl-D")
	}
	text, err := await(cmd.Context(), func() (string, error) {
		text, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), mostHeaderLines+1))
		return string(text), err
	})
	if err == nil && len(text) > mostHeaderLines {
		err = tooLarge(mostHeaderLines)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the standard input: %w", err)
	}
	return &text, nil
}

// hasInput reports whether the standard input is a file, a pipe or a socket. A
// terminal and /dev/null are not.
func hasInput() bool {
	info, err := os.Stdin.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice == 0
}

// The results of a check.
const (
	resultOK       = "ok"
	resultFailed   = "failed"
	resultYes      = "yes" // for something that a kind of store can do
	resultNo       = "no"
	resultUntested = "not tested"
)

// A finding is the answer to one question.
type finding struct {
	Check    string `json:"check"`
	Result   string `json:"result"`
	Detail   string `json:"detail"`
	Advice   string `json:"advice,omitempty"`
	Key      int    `json:"key,omitempty"` // counts from 1
	Source   string `json:"source,omitempty"`
	BaseID   string `json:"base_id,omitempty"`
	ParentID string `json:"parent_id,omitempty"`
}

func (f finding) String() string {
	text := f.Detail
	if f.Advice != "" {
		text += "; " + f.Advice
	}
	return fmt.Sprintf("%-9s %-11s %s", f.Check, f.Result, printable(text))
}

// conclude writes the findings. It returns an error if any check failed.
func (c *check) conclude(ctx context.Context, stdout io.Writer, found []finding) error {
	failed := 0
	err := writeTo(ctx, "", stdout, func(w io.Writer) error {
		for _, f := range found {
			if f.Result == resultFailed {
				failed++
			}
			f.Detail = oneLine(connstr.Redact(f.Detail, c.secrets...))
			line := f.String()
			if c.json {
				text, err := json.Marshal(f)
				if err != nil {
					return err
				}
				line = string(text)
			}
			if _, err := io.WriteString(w, line+"\n"); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %s failed", failed, counted(len(found), "check"))
	}
	return err
}
