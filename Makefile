# Everything is built with the release profile, so that demo, tests and benchmark share what they compile.
# TESTARGS goes to cargo test: make test-only TESTARGS="--test it a_name -- --nocapture"

TESTARGS ?=
# Cases of the benchmark; none is all.
CASES ?=
# Emulators that the tests spread over: each becomes slower with every table and every answer that it keeps.
TEST_EMULATORS ?= 4
# Tests at a time: most of them wait for a server most of the time.
TEST_THREADS ?= 4

.DEFAULT_GOAL := help
.PHONY: help install build dist demo demo-stop test test-only soak lint fmt bench bench-micro bench-profile screenshots clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

install: ## MariaDB, the BigQuery emulator, tmux and a C compiler, where missing
	@dev/install

build: ## target/release/bqsync
	@[ -d target/release/deps ] || echo "==> The first build takes 5 to 10 minutes on two processors; cargo shows how far it is"
	cargo build --release --locked

dist: install ## what is given away, in target/dist-files: archive, .deb, .rpm, checksums (TARGET=x86_64-unknown-linux-musl links statically)
	@dev/dist

demo: install build ## a shop that is synced twice into a BigQuery emulator, what arrived, and the console on it
	@dev/demo

demo-stop: ## end a demo that runs elsewhere
	@dev/demo-stop

test: install lint ## formatting, lints, all tests (with servers of their own)
	@$(MAKE) --no-print-directory test-only

test-only: install ## all tests, or those that TESTARGS names
	@[ -d target/release/deps ] || echo "==> The first build takes 5 to 10 minutes on two processors; cargo shows how far it is"
	cargo test --release --locked --features failpoints --no-run
	RUST_TEST_THREADS=$(TEST_THREADS) EMULATORS=$(TEST_EMULATORS) dev/servers run .dev/test -- cargo test --release --locked --features failpoints $(TESTARGS)

soak: install ## runs killed at random while a writer works, for two minutes (SOAK_SECONDS, SOAK_SEED)
	SOAK_SECONDS=$${SOAK_SECONDS:-120} $(MAKE) --no-print-directory test-only TESTARGS="--test it soak:: -- --nocapture"

lint: ## cargo fmt --check and clippy, warnings denied
	cargo fmt --check
	cargo clippy --release --all-targets --features failpoints --locked -- -D warnings

fmt: ## format the code
	cargo fmt

bench: install ## the benchmark of what is given away (BENCH_PROFILE=dist), with servers and yardsticks of its own (CASES="wide small", BENCH_ROUNDS=1)
	MARIADB_PERFORMANCE_SCHEMA=OFF dev/servers run .dev/bench -- bench/run $(CASES)

bench-micro: ## decoding and encoding alone, without servers (MICROARGS goes to criterion)
	cargo bench --locked --bench micro -- $(MICROARGS)

bench-profile: install ## where the time of an extraction goes, by perf (CASES=wide)
	MARIADB_PERFORMANCE_SCHEMA=OFF dev/servers run .dev/bench -- bench/profile $(CASES)

screenshots: install build ## screenshots/*.svg anew, from the running program (with servers of its own; needs tmux)
	dev/servers run .dev/screenshots -- dev/screenshots/run

clean: ## remove what was built, and the servers and their data
	@for dir in .dev/*/; do [ ! -e "$$dir/lock" ] || dev/servers down "$$dir"; done
	@[ ! -d .dev/demo ] || dev/demo-stop
	rm -rf target .dev
