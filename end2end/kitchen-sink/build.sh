#!/usr/bin/env bash
# Builds the kitchen sink: target/debug/kitchen-sink, and its JavaScript and WASM in target/kitchen-sink/pkg.
source "$(dirname "$0")/../../scripts/lib.sh"

cargo build -p kitchen-sink
# With the profile and the folder of the real page's WASM, whose dependencies are compiled already.
cargo build -p kitchen-sink --no-default-features --features hydrate --lib --target wasm32-unknown-unknown --profile wasm-release \
  --target-dir target/front
wasm-bindgen --target web --no-typescript --out-dir target/kitchen-sink/pkg \
  target/front/wasm32-unknown-unknown/wasm-release/kitchen_sink.wasm
