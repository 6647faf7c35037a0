package main

import (
	"errors"
	"strings"
	"time"
	_ "time/tzdata" // for systems without a time zone database

	"github.com/spf13/cobra"
)

// A timeZone is the value of the flag --time-zone: the time zone in which times
// are shown. The zero timeZone is UTC.
type timeZone struct {
	location *time.Location
	name     string // the name that is shown beside times
}

// addTimeZone adds the flag --time-zone to a command.
func addTimeZone(cmd *cobra.Command, z *timeZone) {
	cmd.Flags().Var(z, "time-zone", "show times in this `zone`: UTC, local, or a name such as Europe/Berlin (default UTC)")
	offers := []cobra.Completion{"UTC", "local"}
	complete := func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return offers, cobra.ShellCompDirectiveNoFileComp
	}
	if err := cmd.RegisterFlagCompletionFunc("time-zone", complete); err != nil {
		panic(err) // a programming error: the flag is not defined
	}
}

// String implements pflag.Value.
func (z *timeZone) String() string { return z.name }

// Type implements pflag.Value.
func (z *timeZone) Type() string { return "zone" }

// Set implements pflag.Value.
func (z *timeZone) Set(text string) error {
	switch strings.ToLower(text) {
	case "local":
		z.location, z.name = time.Local, "local"
		return nil
	case "utc", "z":
		z.location, z.name = time.UTC, "UTC"
		return nil
	}
	location, err := time.LoadLocation(text)
	if err != nil || text == "" {
		return errors.New("it should be UTC, local, or a name of the IANA time zone database such as Europe/Berlin")
	}
	z.location, z.name = location, text
	return nil
}

// Location returns the location of the time zone.
func (z *timeZone) Location() *time.Location {
	if z.location == nil {
		return time.UTC
	}
	return z.location
}

// Name returns the name of the time zone that is shown beside times: UTC, local, or the name
// in the IANA time zone database.
func (z *timeZone) Name() string {
	if z.name == "" {
		return "UTC"
	}
	return z.name
}
