# The verbs of this repository. `make help` lists them.
GO             ?= go
FUZZTIME       ?= 20s
BENCH          ?= .
BENCHTIME      ?= 1s
GOLANGCI       := v2.15.0
GOLANGCI_LINT  := .cache/bin/golangci-lint-$(GOLANGCI)

.PHONY: help test lint fmt fuzz bench setup

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

test: ## all tests with the race detector, then which real servers and tools they found
	$(GO) test -race ./...
	@$(GO) test -count=1 -v -run '^TestServers$$' ./internal/testenv | sed -n 's/^.*testenv_test.go:[0-9]*: /  /p'

lint: $(GOLANGCI_LINT) ## go vet and golangci-lint, with the rules who may import whom
	$(GO) vet ./...
	$(GOLANGCI_LINT) run ./...

fmt: $(GOLANGCI_LINT) ## format all Go files
	$(GOLANGCI_LINT) fmt ./...

fuzz: ## every fuzz target for FUZZTIME (20s)
	scripts/fuzz.sh $(FUZZTIME)

bench: ## all benchmarks, then the same work beside the Python library
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem ./...
	$(GO) run ./internal/bench

setup: ## install what tests and benchmarks need besides Go (as root)
	scripts/setup.sh

$(GOLANGCI_LINT):
	mkdir -p $(@D)
	GOBIN=$(CURDIR)/$(@D) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)
	mv $(@D)/golangci-lint $@
