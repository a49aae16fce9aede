# Everything one does with this project, under one name each: a person runs these, the README shows
# them and CI runs them. The scripts see for themselves what is there already and do only the rest.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
# Whatever the machine's own settings of Cargo say: what is built is looked for here.
export CARGO_TARGET_DIR := $(CURDIR)/target

.PHONY: help run watch new build test test-rust test-outside test-new e2e kitchen-sink engines weigh weigh-what lighthouse lint fuzz soak bench bench-peers check-deploy rehearse deploy shots clean plan setup setup-test

help: ## List what there is to run
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s%s\n", $$1, $$2 }' Makefile

run: build ## Build the release and serve it (HOST, PORT; http://127.0.0.1:8080 by default)
	@exec target/release/server

# Without hashes in the names, so that a changed style sheet replaces the one that the page shows.
watch: setup ## Serve a debug build, rebuilt at every change
	@source scripts/lib.sh && LEPTOS_HASH_FILES=false exec cargo leptos watch

# NAME, DIR, TITLE and PAGE reach the script by the environment, so that a title may hold any character.
new: ## Start an app from this template: make new NAME=my-app [DIR=../my-app] [TITLE='My app'] [PAGE=tutorial|empty]
	@scripts/new.sh

build: plan setup ## Build target/release/server and target/site
	@scripts/build.sh

test: setup setup-test ## Run every test, on SQLite and on a Firestore emulator
	@scripts/with-emulator.sh $(MAKE) --no-print-directory test-rust test-outside test-new e2e kitchen-sink engines check-deploy rehearse

test-rust: ## Run the Rust tests alone
	@scripts/with-emulator.sh cargo test --workspace --exclude frontend

# It has a lock file of its own with the versions of ours, so most of what it needs is compiled already.
test-outside: ## Run the tests of an app outside of the workspace, which uses the crate as a stranger would
	@scripts/with-emulator.sh cargo test --manifest-path outside/Cargo.toml --locked

e2e: build ## Run the browser tests alone, in Chromium
	@CHROMIUM_PATH=$$(scripts/setup-browser.sh) && export CHROMIUM_PATH && scripts/with-emulator.sh npm --prefix end2end test && npm --prefix end2end run lighthouse
	@scripts/weigh.sh

test-new: setup ## Start apps from the template, and do in one what docs/make-it-yours.md says
	@scripts/tests/new-app.sh

kitchen-sink: setup ## Run the browser tests of a page with all that Leptos offers to islands
	@CHROMIUM_PATH=$$(scripts/setup-browser.sh) && export CHROMIUM_PATH && npm --prefix end2end run kitchen-sink

engines: build ## Run the core of the browser tests in Firefox and WebKit
	@engines=$$(scripts/setup-engines.sh) && env $$engines npm --prefix end2end run engines

weigh: build ## Weigh what a first visit loads; more than the budget is a failure
	@scripts/weigh.sh

weigh-what: build ## Say what the bytes of the WASM are, by crate and by function
	@scripts/weigh-what.sh

soak: ## Let two servers serve while all goes wrong, SOAK_SECONDS (3600) on each store; SOAK_SEED repeats a run
	@SOAK_SECONDS=$${SOAK_SECONDS:-3600} scripts/with-emulator.sh cargo test --workspace --exclude frontend --test it soak -- --nocapture --test-threads 1

bench: build ## Measure what a view costs: a table, target/bench/bench.json, docs/bench.svg (peers: once bench-peers ran)
	cargo build --release -p bench
	@source scripts/lib.sh && CHROMIUM_PATH=$$(scripts/setup-browser.sh) && export CHROMIUM_PATH && scripts/with-emulator.sh \
		target/release/bench --peers "$$cache/peers/bin" --json target/bench/bench.json --picture docs/bench.svg

bench-peers: build ## Measure the page beside the tutorial's in Go, Node and Python (bench/peers)
	cargo build --release -p bench
	@peers=$$(bench/peers/setup.sh) && scripts/with-emulator.sh target/release/bench --only peers --peers "$$peers"

lighthouse: build ## Let Lighthouse judge the release
	@CHROMIUM_PATH=$$(scripts/setup-browser.sh) && export CHROMIUM_PATH && npm --prefix end2end run lighthouse

lint: ## Check format, lints, documentation, links, types, scripts and dependencies
	@scripts/setup-rust.sh
	@scripts/setup-npm.sh
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --exclude frontend -- -D warnings
	cargo fmt --manifest-path outside/Cargo.toml --check
	cargo clippy --manifest-path outside/Cargo.toml --all-targets --locked -- -D warnings
	cargo package -p exact-sessions --allow-dirty
	cargo clippy -p frontend --target wasm32-unknown-unknown -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --exclude frontend
	npm --prefix end2end run typecheck
	npm --prefix end2end run links
	@scripts/tests/cargo-tool.sh
	@scripts/check-dependencies.sh

fuzz: ## Feed the parsers and the engine random input, FUZZ_SECONDS (600) for each target
	FUZZ_SECONDS=$${FUZZ_SECONDS:-600} FUZZ_SEED=$${FUZZ_SEED:-$$RANDOM$$RANDOM} cargo test -p exact-sessions -p server --test it fuzz -- --nocapture

check-deploy: build ## Check app.yaml, what would be uploaded, and the image
	@scripts/with-emulator.sh scripts/deploy/check.sh

rehearse: build ## Rehearse a deploy: replace two servers behind a load balancer while visitors come
	@scripts/with-emulator.sh scripts/rehearse/rehearse.sh

deploy: check-deploy ## Deploy to App Engine: make deploy PROJECT=my-project
	@: $${PROJECT:?name it: make deploy PROJECT=my-project}
	gcloud app deploy --project=$$PROJECT --service-account=hello-sessions@$$PROJECT.iam.gserviceaccount.com

shots: build ## Photograph the page into docs, and make the icons and the card in public
	@CHROMIUM_PATH=$$(scripts/setup-browser.sh) && export CHROMIUM_PATH && npm --prefix end2end run shots

clean: ## Remove what was built; the sessions in data/ stay
	cargo clean
	rm -rf end2end/test-results

# Not a thing to run by itself, so without a line in the help.
plan:
	@scripts/say-plan.sh

setup: ## Install what the build needs: Rust, its WASM target, cargo-leptos, wasm-bindgen, wasm-opt
	@scripts/setup-rust.sh
	@scripts/setup-cargo-tools.sh
	@scripts/setup-wasm-opt.sh

setup-test: ## Install what the browser tests need: npm packages, a Chromium, a Firefox and a WebKit
	@scripts/setup-browser.sh >/dev/null
	@scripts/setup-engines.sh >/dev/null
