package redis

import (
	"context"
	"strings"
)

// Version implements driver.Versioner. A user may need the right to run INFO.
func (d *database) Version(ctx context.Context) (string, error) {
	text, err := call(ctx, d, func(ctx context.Context) (string, error) {
		return d.client.Info(ctx, "server").Result()
	})
	if err != nil {
		return "", err
	}
	return versionOf(text), nil
}

// versionOf reads the product and the version from an answer to INFO. Valkey
// reports its own version as well as the Redis version with which it is
// compatible.
func versionOf(info string) string {
	product, version := "Redis", ""
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "redis_version":
			if version == "" {
				version = value
			}
		case "valkey_version":
			product, version = "Valkey", value
		}
	}
	return strings.TrimSpace(product + " " + version)
}
