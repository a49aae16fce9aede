#!/usr/bin/env bash
# cargo-leptos, which builds server and WASM in one go, and the wasm-bindgen command it runs.
source "$(dirname "$0")/lib.sh"
source scripts/lib-cargo-tool.sh

# Compiled without downloads: a tool that is missing is then an error that names it, not a silent fetch.
ensure cargo-leptos cargo-leptos CARGO_LEPTOS "$cargo_leptos_root" \
  --locked --no-default-features --features no_downloads
ensure wasm-bindgen-cli wasm-bindgen WASM_BINDGEN "$wasm_bindgen_root"
