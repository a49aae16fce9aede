#!/usr/bin/env bash
# Builds the kitchen sink: target/debug/kitchen-sink, and its JavaScript and WASM in target/kitchen-sink/pkg.
source "$(dirname "$0")/../../scripts/lib.sh"

manifest=end2end/kitchen-sink/Cargo.toml
# The same versions as everywhere else, most of them compiled already.
cp Cargo.lock end2end/kitchen-sink/Cargo.lock
cargo build --manifest-path "$manifest" --target-dir target
cargo build --manifest-path "$manifest" --target-dir target/front --lib --no-default-features --features hydrate \
  --target wasm32-unknown-unknown
wasm-bindgen --target web --no-typescript --out-dir target/kitchen-sink/pkg \
  target/front/wasm32-unknown-unknown/debug/kitchen_sink.wasm
