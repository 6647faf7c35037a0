package main

import (
	"path/filepath"
	"testing"
)

// Sources and targets that differ only in an option do not count as named twice.
func TestForwardTwiceWithOptions(t *testing.T) {
	for _, pair := range [][]string{
		{"rabbit://h/?topics=a", "rabbit://h/?topics=b"},
		{"opensearch://h:9200?index_name=a", "opensearch://h:9200?index_name=b"},
		{"otlp://h:4318?headers=a", "otlp://h:4318"},
	} {
		for _, f := range []*forward{{from: pair}, {to: pair}} {
			if err := f.checkTwice(); err != nil {
				t.Error(err)
			}
		}
		f := &forward{from: []string{pair[0], " " + pair[0]}}
		if err := f.checkTwice(); err == nil {
			t.Errorf("%s twice is accepted", pair[0])
		}
	}
}

// A prefix from a flag overrides the prefix of the files, even if it is empty.
func TestForwardPrefixOfTheFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.conf")
	writeFile(t, path, "[profiler]\nconnection_string = file:///a\n[profiler_otlp]\nservice_name_prefix = cloud1\n")
	for want, args := range map[string][]string{
		"cloud1": nil, "": {"--service-name-prefix="}, "x": {"--service-name-prefix=x"},
	} {
		f := &forward{osloPaths: []string{path}}
		cmd := newForward()
		cmd.ResetFlags()
		f.addFlags(cmd)
		f.osloPaths = []string{path}
		if err := cmd.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		if err := f.fromOslo(cmd.Flags().Changed(prefixFlag)); err != nil || f.namePrefix != want {
			t.Errorf("%q: %q, %v", args, f.namePrefix, err)
		}
	}
}
