#!/usr/bin/env bash
# cargo-leptos, which builds server and WASM in one go, and the wasm-bindgen command it runs. The exact
# version on PATH is used where there is one; else it is compiled once, into the cache.
source "$(dirname "$0")/lib.sh"

# ensure NAME VERSION BINARY ROOT CARGO-INSTALL-ARGUMENTS...
ensure() {
  local name=$1 version=$2 binary=$3 root=$4
  shift 4
  if [[ $("$binary" --version 2>/dev/null) == *" $version" ]]; then
    say "$name $version: already there"
    return
  fi
  say "$name $version: compiling it once, this takes some minutes"
  cargo install "$name" --version "$version" --root "$root" "$@" >&2 ||
    fail "$name $version did not install: see above; any way of getting that version onto PATH will do"
}

# Without downloads: a tool that is missing is then an error that names it, not a silent fetch.
ensure cargo-leptos "$CARGO_LEPTOS_VERSION" cargo-leptos "$cargo_leptos_root" \
  --locked --no-default-features --features no_downloads
ensure wasm-bindgen-cli "$WASM_BINDGEN_VERSION" wasm-bindgen "$wasm_bindgen_root"
