package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"
)

const configFlag = "config"

// maxConfig is the size of the largest file of options, and of the largest secret.
const maxConfig = 1 << 20

// applyConfig sets the flags that the file of --config names. The file and other flags
// exclude each other, so that all settings are in one place.
func applyConfig(ctx context.Context, cmd *cobra.Command) error {
	path := cmd.Flags().Lookup(configFlag).Value.String()
	if path == "" {
		return nil
	}
	var other string
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != configFlag {
			other = f.Name
		}
	})
	if other != "" {
		return usagef("--%s and --%s are both given; put the option %s into the file, or give flags only", configFlag, other, other)
	}
	text, err := readBounded(ctx, path, maxConfig)
	if err != nil {
		return err
	}
	if err := applyYAML(ctx, cmd, path, text); err != nil {
		return usageError{err}
	}
	return nil
}

// applyYAML sets the flags that a YAML file names. Its keys are the names of the flags.
func applyYAML(ctx context.Context, cmd *cobra.Command, path, text string) error {
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	if errors.Is(err, io.EOF) {
		return nil // the file has only comments
	}
	if err == nil && !errors.Is(decoder.Decode(&second), io.EOF) {
		err = errors.New("it should hold one YAML document")
	}
	if err != nil {
		return fmt.Errorf("%s: %s", path, strings.ReplaceAll(err.Error(), "yaml: ", ""))
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("%s, line %d: the file should hold options, as in follow: true", path, root.Line)
	}
	seen := map[string]bool{}
	for pair := range slices.Chunk(root.Content, 2) {
		key, value := pair[0], pair[1]
		err := applyKey(ctx, cmd, key.Value, value)
		if err == nil && seen[key.Value] {
			err = fmt.Errorf("key %q stands twice in the file", key.Value)
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", path, key.Line, err)
		}
		seen[key.Value] = true
	}
	return nil
}

// applyKey sets one flag.
func applyKey(ctx context.Context, cmd *cobra.Command, name string, value *yaml.Node) error {
	flag := cmd.Flags().Lookup(name)
	if flag == nil || name == configFlag || name == "help" {
		if similar := similarFlag(cmd, name); similar != "" && similar != name {
			return fmt.Errorf("unknown key %q; did you mean %q?", name, similar)
		}
		return fmt.Errorf("unknown key %q; the keys are the names of the flags of %s", name, cmd.CommandPath())
	}
	values := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		if values = value.Content; !repeats(flag) {
			return fmt.Errorf("key %q takes one value, not a list", name)
		}
	}
	for _, v := range values {
		if v.Kind != yaml.ScalarNode || v.Tag == "!!null" {
			return fmt.Errorf("key %q should have a value such as a text or a number%s", name, orList(flag))
		}
		text, err := expandSecrets(ctx, v.Value)
		if err != nil {
			return fmt.Errorf("key %q: %w", name, err)
		}
		if err := cmd.Flags().Set(name, text); err != nil {
			return explainFlag(cmd, err)
		}
	}
	return nil
}

func orList(flag *pflag.Flag) string {
	if repeats(flag) {
		return ", or a list of them"
	}
	return ""
}

// repeats reports whether a flag may be given several times.
func repeats(flag *pflag.Flag) bool {
	_, slice := flag.Value.(pflag.SliceValue)
	_, paths := flag.Value.(*osloPath)
	return slice || paths
}

// secretReference matches $$, ${NAME}, ${env:NAME} and ${file:PATH}, and a reference
// whose end is missing.
var secretReference = regexp.MustCompile(`\$(\$|\{[^}]*(\}|$))`)

var errNoEnd = errors.New("a reference that begins with ${ should end with }; a dollar sign itself is $$")

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expandSecrets replaces references to variables of the environment and to files, as
// the OpenTelemetry Collector does in its configuration. The line end at the end of a
// file is dropped.
func expandSecrets(ctx context.Context, text string) (_ string, err error) {
	expanded := secretReference.ReplaceAllStringFunc(text, func(reference string) string {
		if reference == "$$" {
			return "$"
		}
		if !strings.HasSuffix(reference, "}") {
			err = errors.Join(err, errNoEnd)
			return ""
		}
		value, refErr := referredSecret(ctx, reference[2:len(reference)-1])
		err = errors.Join(err, refErr)
		return value
	})
	return expanded, err
}

func referredSecret(ctx context.Context, name string) (string, error) {
	if path, ok := strings.CutPrefix(name, "file:"); ok {
		text, err := readBounded(ctx, path, maxConfig)
		return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), err
	}
	name = strings.TrimPrefix(name, "env:")
	if !variableName.MatchString(name) {
		return "", fmt.Errorf("${%s} should be ${NAME}, ${env:NAME} or ${file:PATH}; a dollar sign itself is $$", name)
	}
	value, ok := os.LookupEnv(name)
	if !ok {
		return "", fmt.Errorf("the variable %s is not set in the environment", name)
	}
	return value, nil
}
