#!/usr/bin/env bash
# The release build: the server's binary, and beside it in target/site the hashed, precompressed assets.
source "$(dirname "$0")/lib.sh"

# Panics name their place in the source. Where this machine keeps that is nobody's business, and a kilobyte.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src/="

cargo leptos build --release --precompress
[[ -x target/release/server ]] || fail "the build left no target/release/server: see above"
# The names of the assets, for a server that finds the site's folder in another place than beside it.
cp target/release/hash.txt target/site/hash.txt
# Type declarations are for who writes TypeScript against the module; the page does not.
rm -f target/site/pkg/*.ts target/site/pkg/*.ts.{br,gz}
compgen -G 'target/site/pkg/*.wasm' >/dev/null || fail "the build left no WASM in target/site/pkg: see above"
# Pictures are compressed already.
rm -f target/site/*.{png,ico}.{br,gz}
