package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// askPython runs a Python script. It writes the question to the script's standard
// input and reads the answer from its standard output, both as JSON.
func askPython(ctx context.Context, python, script string, question, answer any) error {
	input, err := json.Marshal(question)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, python, "-c", script) //nolint:gosec // it is the user's own interpreter
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("measuring the Python library with %s: %w", python, err)
	}
	return json.Unmarshal(out, answer)
}
