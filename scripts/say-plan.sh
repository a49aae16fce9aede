#!/usr/bin/env bash
# Says, before a first build, what has to be done on this machine and how long that takes. Silent when nothing but
# what changed is left. The minutes are measured: two slow cores, everything compiled.
source "$(dirname "$0")/lib.sh"
source scripts/lib-cargo-tool.sh

total=0
steps=()
step() { # MINUTES WHAT
  total=$((total + $1))
  steps+=("$2 ($1 min)")
}
is_version cargo-leptos "$CARGO_LEPTOS_VERSION" || step 4 "cargo-leptos"
is_version wasm-bindgen "$WASM_BINDGEN_VERSION" || step 1 "wasm-bindgen"
[[ -d target/front ]] || step 1 "the page's WASM"
[[ -x target/release/server ]] || step 5 "the server"
[[ $total -gt 0 ]] || exit 0

list=$(printf ', %s' "${steps[@]}")
say "to build first: ${list:2}"
say "about $total minutes on two slow cores, a third of that on a laptop; the next time it starts in seconds"
