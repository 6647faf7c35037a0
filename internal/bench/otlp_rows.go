package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// otlpRows measures relay.Copy and the command, by gRPC and by HTTP.
func otlpRows(ctx context.Context, python, osp, file string, count int) (rows []otlpRow, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for _, kind := range []string{"grpc", "http"} {
		for _, name := range []string{"relay.Copy", "osp forward"} {
			row, err := measureOTLP(ctx, python, name+", "+kind, count, func(at otlpAddresses) ([]string, error) {
				from, to := "file://"+file, "otlp+grpc://"+at.GRPC
				if kind == "http" {
					to = "otlp+http://" + at.HTTP
				}
				if name == "osp forward" {
					return []string{"env", "GOMAXPROCS=1", osp, "forward", "--from", from, "--to", to}, nil
				}
				work, err := json.Marshal(otlpWork{"copy", from, to})
				return []string{"env", "GOMAXPROCS=1", otlpEnvironment + "=" + string(work), self}, err
			})
			if err == nil && (row.arrival.Spans != int64(count/2) || row.arrival.Exact != int64(count/2)) {
				err = fmt.Errorf("%s: of %d spans, %d arrived, and %d of them are exact", row.name, count/2, row.arrival.Spans, row.arrival.Exact)
			}
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// pythonRows measures Python's OTLP driver. It first runs the driver so that nothing is
// lost. Then it runs the driver several times as a service uses it, because the driver
// loses a different part of the spans each time.
func pythonRows(ctx context.Context, python, newest, file string, count int) (rows []otlpRow, err error) {
	for _, way := range []struct {
		name  string
		flush int
	}{
		{"Python's OTLP driver, its queue emptied", otlpFlush},
		{"Python's OTLP driver, as in a service", 0},
		{"Python's OTLP driver, the same again", 0},
		{"Python's OTLP driver, the same again", 0},
	} {
		row, err := measureOTLP(ctx, python, way.name, count, func(at otlpAddresses) ([]string, error) {
			return []string{newest, "-c", otlpScript, "otlp://" + at.HTTP, file, strconv.Itoa(count), strconv.Itoa(way.flush)}, nil
		})
		if err == nil && way.flush > 0 && row.arrival.Spans != int64(count/2) {
			err = fmt.Errorf("%s: of %d spans, %d arrived", row.name, count/2, row.arrival.Spans)
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// measureOTLP runs a command that sends to a new server.
func measureOTLP(ctx context.Context, python, name string, count int, of func(otlpAddresses) ([]string, error)) (row otlpRow, err error) {
	at, stop, err := startOTLPServer(ctx)
	if err != nil {
		return row, err
	}
	var took usage
	command, err := of(at)
	if err == nil {
		err = askPython(ctx, python, memoryScript, command, &took)
	}
	got, other := stop()
	if err := errors.Join(err, other); err != nil {
		return row, fmt.Errorf("%s: %w", name, err)
	}
	if took.Code != 0 || got.Spans == 0 {
		return row, fmt.Errorf("%s ended with %d, and %d spans of %d arrived", name, took.Code, got.Spans, count/2)
	}
	row = otlpRow{name, count, took.CPU, took.Seconds, took.Peak, got}
	var alone struct{ CPU, Seconds float64 }
	if json.Unmarshal([]byte(took.Output), &alone) == nil && alone.CPU > 0 {
		row.cpu, row.seconds = alone.CPU, alone.Seconds // the script has measured the driver alone
	}
	return row, nil
}
