package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// The comparison works with every bus on little data, and prints a line for each kind
// of work.
func TestBuses(t *testing.T) {
	python := testenv.Python(t)
	testenv.RedisDB(t) // skips this test if the server is missing
	shared := map[string]func(testing.TB) string{"rabbitmq": testenv.RabbitMQ, "kafka": testenv.Kafka}
	var chosen []busSubject
	for _, b := range buses {
		fresh := shared[b.name]
		fresh(t)
		b.fresh = func() (string, func() error, error) {
			return fresh(t), func() error { return nil }, nil // the end of the test drops it
		}
		chosen = append(chosen, b)
	}
	var out bytes.Buffer
	small := busSizes{writeRounds: 2, batches: 1, notify: 32, take: 2000, takeRounds: 2}
	if err := compareBuses(t.Context(), &out, python, chosen, small); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	for _, b := range chosen {
		for work, asked := range map[string]string{"export": "notify", "publish": "notify", "take": "take", "to file": "", "to redis": ""} {
			python, times := `[0-9]+/s`, `[0-9.]+`
			if asked == "" || b.lacks[asked] != "" {
				python, times = "-", "-"
			}
			cells := []string{b.name, work, `[0-9]+/s`, `[0-9]+/s`, python, `[0-9.]+`, times, `\S.*`}
			if !regexp.MustCompile(`(?m)^ *` + strings.Join(cells, " +") + `$`).MatchString(out.String()) {
				t.Errorf("no row of %s with %s", work, b.name)
			}
		}
	}
}
