# `make help` lists what there is. Everything runs on a clean clone with Go, git and make; the tools are built from
# their pinned modules in tools/, into bin/.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

GO        ?= go
BIN       := $(CURDIR)/bin
PACKAGES  ?= ./...
TIMEOUT   ?= 40m
BENCHTIME ?= 1s
FUZZTIME  ?= 10s
SECONDS   ?= 600
SEED      ?= 0
DEVICES   ?= 0
ROWS      ?= 1000000
RUNS      ?= 5
ONLY      ?=
WRITE     ?= docs

.PHONY: help
help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/simshift, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o $(BIN)/ ./cmd/simshift

.PHONY: test
test: needs ## run every test with the race detector (PACKAGES=./ledger/... for some)
	SIMSHIFT_TEST_REQUIRE_PROGRAMS=1 $(GO) test -race -shuffle=on -timeout $(TIMEOUT) $(PACKAGES)

.PHONY: cover
cover: needs ## run the tests and write bin/cover.html
	@mkdir -p $(BIN)
	SIMSHIFT_TEST_REQUIRE_PROGRAMS=1 $(GO) test -timeout $(TIMEOUT) -coverprofile=$(BIN)/cover.out -coverpkg=./... $(PACKAGES)
	$(GO) tool cover -html=$(BIN)/cover.out -o $(BIN)/cover.html
	@$(GO) tool cover -func=$(BIN)/cover.out | tail -1

.PHONY: bench
bench: needs ## run every benchmark, then whole programs beside yardsticks (ROWS=1000000 RUNS=5 WRITE=docs); ONLY=import,job: parts of it
	$(if $(ONLY),,$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 0 $(PACKAGES))
	$(GO) test -run '^TestPerformance$$' -v -count=1 -timeout 0 ./internal/bench \
		-rows $(ROWS) -runs $(RUNS) -only '$(ONLY)' -write '$(abspath $(WRITE))'

.PHONY: fuzz
fuzz: ## run every fuzz target (FUZZTIME=10s each)
	@GO='$(GO)' .ci/fuzz $(FUZZTIME) $(PACKAGES)

.PHONY: chaos
chaos: needs ## kill everything for SECONDS=600, with SEED=0 (another each time) and DEVICES=0 (200 a second), and judge it
	$(GO) test -run '^TestChaos$$' -v -count=1 -timeout 0 ./internal/acceptance \
		-seconds $(SECONDS) -seed $(SEED) -devices $(DEVICES) -plain

.PHONY: pages
pages: ## serve the console's pages from made-up jobs, without Redis and without tokens, at a free port of this machine
	$(GO) run ./internal/pagesdev

.PHONY: screenshots
screenshots: needs ## take the pictures of the console in docs/images anew
	@mkdir -p docs/images
	SIMSHIFT_TEST_REQUIRE_PROGRAMS=1 $(GO) test -run '^TestPictures$$' -count=1 ./internal/pagesdev -write '$(CURDIR)/docs/images'

.PHONY: safeguards
safeguards: needs ## take every safeguard away in turn: its test must fail
	$(GO) test -run '^TestWithoutASafeguardItsTestFails$$' -v -count=1 -timeout 0 ./internal/acceptance -every-safeguard

.PHONY: lint
lint: $(BIN)/golangci-lint $(BIN)/govulncheck ## check format, style, imports between packages, known vulnerabilities
	$(BIN)/golangci-lint run $(PACKAGES)
	$(GO) mod tidy -diff
	.ci/vulncheck $(BIN)/govulncheck $(PACKAGES)

.PHONY: fmt
fmt: $(BIN)/golangci-lint ## format the code and order its imports
	$(BIN)/golangci-lint fmt $(PACKAGES)

.PHONY: needs
needs: ## make sure that the programs which the tests need are there; on Debian they are installed
	@.ci/need redis-server gcc chromium promtool

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BIN)

$(BIN)/golangci-lint: tools/golangci-lint/go.mod tools/golangci-lint/go.sum
	$(GO) -C tools/golangci-lint build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(BIN)/govulncheck: tools/govulncheck/go.mod tools/govulncheck/go.sum
	$(GO) -C tools/govulncheck build -o $@ golang.org/x/vuln/cmd/govulncheck
