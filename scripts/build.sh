#!/usr/bin/env bash
# The release build: the server's binary, and beside it in target/site the hashed, precompressed assets.
source "$(dirname "$0")/lib.sh"

cargo leptos build --release --precompress
[[ -x target/release/server ]] || fail "the build left no target/release/server: see above"
compgen -G 'target/site/pkg/*.wasm' >/dev/null || fail "the build left no WASM in target/site/pkg: see above"
