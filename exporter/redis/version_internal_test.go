package redis

import "testing"

func TestVersionOf(t *testing.T) {
	for info, want := range map[string]string{
		"# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n":                     "Redis 7.0.15",
		"# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n": "Valkey 8.0.1",
		"valkey_version:8.0.1\r\nredis_version:7.2.4\r\n":                                   "Valkey 8.0.1",
		"": "Redis",
	} {
		if got := versionOf(info); got != want {
			t.Errorf("versionOf(%q) = %q; want %q", info, got, want)
		}
	}
}
