# Everything here works on a fresh Debian machine with Go.
GO ?= go
FUZZTIME ?= 10s
# The race detector needs a C compiler; where there is none, tests run without.
RACE := $(shell [ "$$($(GO) env CGO_ENABLED)" = 1 ] && echo -race)

.PHONY: build run run-kafka test test-real lint fuzz bench bench-real

build: ## bin/tocsin
	$(GO) build -trimpath -o bin/tocsin ./cmd/tocsin

run: build ## the shop, fed by itself, with its strip of LEDs
	./bin/tocsin demo

run-kafka: build ## the same with Kafka between the shop and Tocsin; needs no broker
	./bin/tocsin demo --kafka

test: ## needs Go only
	$(GO) test $(RACE) ./...

test-real: ## against the real programs; installs those that are missing
	.ci/real-programs
	$(GO) test -count=1 -tags real -run 'Real' ./...

lint:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags real,emmylua ./...
	$(GO) mod tidy -diff

fuzz: ## each fuzzer for FUZZTIME
	.ci/fuzz $(FUZZTIME)

bench: ## the figures of bench/README.md
	$(GO) test -run '^$$' -bench . -benchtime 1s ./engine/... ./sources/... ./sinks/... ./rules/...
	$(GO) run ./bench

bench-real: ## against a real Kafka; needs 11 GB of disk and some ten minutes
	.ci/real-programs
	$(GO) test -tags real -run '^$$' -bench 'RealKafka$$' -benchtime 5x ./bench
	$(GO) test -tags real -run '^$$' -bench RealKafkaLag -benchtime 1x ./bench
