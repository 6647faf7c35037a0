package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// explainFlag rewrites an error of the flag parser in plain words, because the parser itself
// shows the errors of strconv and encoding/csv.
func explainFlag(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	var unknown *pflag.NotExistError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &invalid):
		return fmt.Errorf("--%s %q: %s", invalid.GetFlag().Name, invalid.GetValue(), reasonOf(invalid))
	case errors.As(err, &missing):
		name, usage := pflag.UnquoteUsage(missing.GetFlag())
		usage, _, _ = strings.Cut(usage, ", accepted because")
		usage, _, _ = strings.Cut(usage, ", for ")
		return fmt.Errorf("--%s needs a value: --%s %s, %s", missing.GetFlag().Name, missing.GetFlag().Name, strings.ToUpper(name), usage)
	case errors.As(err, &syntax):
		return fmt.Errorf("%q is no flag; a flag reads like --name or --name=value", syntax.GetSpecifiedFlag())
	case errors.As(err, &unknown):
		if similar := similarFlag(cmd, unknown.GetSpecifiedName()); similar != "" {
			return fmt.Errorf("%w; did you mean --%s?", err, similar)
		}
	}
	return err
}

// refuseFlagsAsValues returns an error for a flag that needs a value and is followed by
// another flag. The flag parser would take the other flag as the value, as in --out --json. A
// value that begins with -- can be written as --out=--json.
func refuseFlagsAsValues(cmd *cobra.Command, args []string) error {
	isFlag := func(arg string) bool {
		name, isLong := strings.CutPrefix(arg, "--")
		name, _, _ = strings.Cut(name, "=")
		return isLong && (name == "help" || name != "" && cmd.Flags().Lookup(name) != nil)
	}
	for i := 0; i+1 < len(args) && args[i] != "--"; i++ {
		flag := cmd.Flags().Lookup(strings.TrimPrefix(args[i], "--"))
		if flag == nil || !isFlag(args[i]) || flag.NoOptDefVal != "" {
			continue
		}
		if isFlag(args[i+1]) {
			return fmt.Errorf("--%s needs a value, but %s follows", flag.Name, args[i+1])
		}
		i++ // the value
	}
	return nil
}

// reasonOf returns what the value of a flag should be.
func reasonOf(invalid *pflag.InvalidValueError) string {
	switch kind := invalid.GetFlag().Value.Type(); {
	case errors.Is(invalid.Unwrap(), strconv.ErrRange):
		return "the number is too large"
	case strings.HasPrefix(kind, "int"):
		return "it should be a whole number, such as 100"
	case strings.HasPrefix(kind, "uint"):
		return "it should be a whole number from 0 up, such as 100"
	case strings.HasPrefix(kind, "float"):
		return "it should be a number, such as 1.5"
	case kind == "duration":
		return "it should be a duration, such as 500ms, 2s or 1m30s"
	case kind == "bool" && errors.Is(invalid.Unwrap(), strconv.ErrSyntax):
		return "it should be true or false"
	case kind == "stringSlice":
		return "it should be names with commas between them; a name with a comma or a quotation mark stands in quotation marks, and its own quotation marks are doubled"
	}
	return invalid.Unwrap().Error()
}

// similarFlag returns the name of the flag of cmd that is most similar to a name, or "" if no
// flag is similar.
func similarFlag(cmd *cobra.Command, name string) string {
	best, fewest := "", 3
	look := func(f *pflag.Flag) {
		distance := editDistance(name, f.Name)
		if len(name) > 2 && strings.HasPrefix(f.Name, name) {
			distance = 0
		}
		if !f.Hidden && distance < fewest && distance < len(name) {
			best, fewest = f.Name, distance
		}
	}
	cmd.Flags().VisitAll(look)
	cmd.InheritedFlags().VisitAll(look)
	return best
}

// editDistance returns how many bytes must be inserted, removed or replaced to turn a into b
// (Levenshtein). It does not compare long texts.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
