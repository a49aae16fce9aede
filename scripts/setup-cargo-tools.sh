#!/usr/bin/env bash
# cargo-leptos, which builds server and WASM in one go, and the wasm-bindgen command it runs.
source "$(dirname "$0")/lib.sh"
source scripts/lib-cargo-tool.sh

# Without downloads: a tool that is missing is then an error that names it, not a silent fetch.
ensure cargo-leptos "$CARGO_LEPTOS_VERSION" cargo-leptos "$cargo_leptos_root" \
  --locked --no-default-features --features no_downloads
ensure wasm-bindgen-cli "$WASM_BINDGEN_VERSION" wasm-bindgen "$wasm_bindgen_root"
