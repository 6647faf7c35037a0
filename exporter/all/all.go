// Package all links every back end into a program.
package all

import (
	_ "github.com/osprofiler-otel/osprofiler/exporter/file"  // file://
	_ "github.com/osprofiler-otel/osprofiler/exporter/redis" // redis://, rediss://, redis+unix://, redissentinel://
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql"   // sqlite://
)
