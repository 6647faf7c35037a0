module github.com/osprofiler-otel/osprofiler/examples/memory-store

go 1.26.0

require github.com/osprofiler-otel/osprofiler v0.0.0

require github.com/cenkalti/backoff/v5 v5.0.3 // indirect

replace github.com/osprofiler-otel/osprofiler => ../..
