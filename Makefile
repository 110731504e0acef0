# make run      the taco bot, against a local simulator, or the real thing when TWITCH_USERNAME is set
# make test     every test
# make help     the rest

# A case file for `make conformance SUITE=...`; empty: the public ones, from ../shared/cases when that is there.
CASES =

.PHONY: run build test lint sanitize bench conformance schema clean help

run: build
	scripts/run

build:
	scripts/setup
	swift build -c release
	scripts/stage release build

test:
	scripts/setup tests
	swift format lint --strict --recursive Package.swift Sources Plugins Tests Benchmarks
	swift build --build-tests
	scripts/stage debug build/debug
	scripts/test

lint:
	swift format lint --strict --recursive Package.swift Sources Plugins Tests Benchmarks

sanitize:
	scripts/setup tests
	scripts/sanitize thread
	scripts/sanitize address

bench: build
	scripts/setup bench
	.build/release/benchmarks

conformance: build
	.build/release/conformance $(SUITE) $(CASES)

clean:
	rm -rf .build build

help:
	@echo 'make run                               the taco bot (see README.md)'
	@echo 'make test                              every test'
	@echo 'make build                             the program and the plugins, in build/'
	@echo 'make conformance SUITE=irc|merkle|yetibot|pep440|requirements|titles [CASES=file]'
	@echo 'make bench                             measurements beside peers'
	@echo 'make lint                              the format check alone'
	@echo 'make sanitize                          the tests of the core under the thread and address sanitizers (half an hour)'
