# The verbs of this repository. `make help` lists them.
GO             ?= go
FUZZTIME       ?= 20s
BENCH          ?= .
BENCHTIME      ?= 1s
BENCHFLAGS     ?=
# Most of the time, tests wait for servers that fail and restart. So more packages, and
# more tests of a package, run at the same time than there are processors.
PROCESSORS     := $(shell getconf _NPROCESSORS_ONLN)
PACKAGES       ?= -p $(shell expr $(PROCESSORS) + 1) -parallel $(shell expr $(PROCESSORS) + 1)
# The packages whose tests take longest begin first, so that none of them is left alone
# at the end.
SLOW           := ./cmd/osp ./internal/interop ./exporter/elasticsearch ./exporter/messaging/... ./exporter/sql ./exporter/mongo ./internal/testenv
# SQLite is C translated to Go. The race detector makes it six times slower and finds
# nothing in it.
RACE           := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false
GOLANGCI       := v2.15.0
GOLANGCI_LINT  := .cache/bin/golangci-lint-$(GOLANGCI)

SERVERS        := .cache/bin/servers

.PHONY: help test soak lint fmt fuzz bench setup $(SERVERS)

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The verb lint runs the whole of vet.
test: $(SERVERS) ## install and start what tests need, and run all tests with the race detector
	scripts/setup.sh || [ "$$OSP_TEST_REQUIRE" != 1 ]
	$(SERVERS) $(GO) test $(RACE) -vet=off -timeout 30m $(PACKAGES) $(SLOW) ./...
	cd examples/memory-store && $(GO) test -race ./...
	cd internal/browsertest && $(GO) test -timeout 20m ./...

soak: $(SERVERS) ## run all tests in their long form (hours): failing servers, millions of traces
	OSP_TEST_SOAK=1 $(SERVERS) $(GO) test -count=1 -timeout 3h ./...

# The modules of internal/testenv/jaeger hold no Go files: they name the programs of Jaeger as tools.
lint: $(GOLANGCI_LINT) ## run go vet and golangci-lint, which checks the imports between packages too
	$(GO) vet ./...
	$(GOLANGCI_LINT) run ./...
	for module in examples/memory-store internal/browsertest internal/testenv/ferretdb; do \
		(cd $$module && $(GO) vet ./... && $(CURDIR)/$(GOLANGCI_LINT) run -c $(CURDIR)/.golangci.yml ./...) || exit 1; \
	done

fmt: $(GOLANGCI_LINT) ## format all Go files
	$(GOLANGCI_LINT) fmt ./...

fuzz: ## run every fuzz target for FUZZTIME (20s)
	scripts/fuzz.sh $(FUZZTIME)

bench: $(SERVERS) ## run all benchmarks, and compare with bare clients and the Python library
	$(SERVERS) $(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem ./...
	$(GO) run ./internal/bench $(BENCHFLAGS)
	cd internal/browsertest && $(CURDIR)/$(SERVERS) $(GO) test -run '^$$' -bench '$(BENCH)' -benchtime 3x .

setup: ## install what tests and benchmarks need in addition to Go (as root)
	scripts/setup.sh

$(SERVERS):
	$(GO) build -o $@ ./internal/testenv/servers

$(GOLANGCI_LINT):
	mkdir -p $(@D)
	GOBIN=$(CURDIR)/$(@D) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)
	mv $(@D)/golangci-lint $@
