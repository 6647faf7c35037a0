package main

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler/store"
)

// busFlags adds the flags of the Python tool to messaging:// as options.
func TestBusFlagsApply(t *testing.T) {
	for _, c := range []struct {
		connection, transportURL string
		idle                     pythonInt
		want                     string
	}{
		{"messaging", "rabbit://u:a b+c&d@h/", "", "messaging://?transport_url=rabbit%3A%2F%2Fu%3Aa%20b%2Bc%26d%40h%2F"},
		{" messaging://\n", "", " 1_000 ", "messaging://?idle_timeout=1000"},
		{"Messaging://?osp_peek=5", "kafka://h", "-1", "Messaging://?osp_peek=5&transport_url=kafka%3A%2F%2Fh&idle_timeout=0"},
		{"sqlite:///x.db", "rabbit://h", "5", "sqlite:///x.db"},
	} {
		b := busFlags{c.transportURL, c.idle}
		got, err := b.apply(c.connection)
		if err != nil || got != c.want {
			t.Errorf("got %s, %v; want %s", got, err, c.want)
		}
		if c.transportURL != "" {
			if s, err := store.Open(t.Context(), got); err != nil {
				t.Errorf("%s: %v", got, err)
			} else if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
