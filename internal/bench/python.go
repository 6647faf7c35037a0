package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// askPython runs a script with a question on its standard input and reads the
// answer from its standard output, both JSON.
func askPython(ctx context.Context, python, script string, question, answer any) error {
	input, err := json.Marshal(question)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, python, "-c", script) //nolint:gosec // the interpreter that the user has
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("measuring the Python library with %s: %w", python, err)
	}
	return json.Unmarshal(out, answer)
}
