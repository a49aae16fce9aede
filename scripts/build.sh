#!/usr/bin/env bash
# The release build: the server's binary, and beside it in target/site the hashed, precompressed assets. When
# neither the sources nor the results have changed since the last build, there is nothing to do: cargo-leptos
# would shrink and compress the WASM again, which takes a quarter of a minute.
source "$(dirname "$0")/lib.sh"

built=target/site.built
sources=(app frontend server sessions style public Cargo.toml Cargo.lock rust-toolchain.toml scripts/build.sh scripts/versions.env)
checksums() { # FILE-OR-FOLDER...: of every file in them
  find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 cksum
}
inputs() {
  checksums "${sources[@]}"
  [[ ! -d .cargo ]] || checksums .cargo
  env | grep -E '^(CARGO_|RUSTC|RUSTFLAGS|RUSTUP_TOOLCHAIN|LEPTOS_)' | sort || true
}
results() { checksums target/release/server target/site; }

before=$(inputs)
if [[ -x target/release/server && -d target/site && -f $built && $(<"$built") == "$before"$'\n'"$(results)" ]]; then
  say "build: nothing has changed since the last one"
  exit
fi
# jemalloc's build refuses it, after minutes.
[[ $PWD != *[[:space:]]* ]] || fail "there is a space in $PWD, below which some C libraries can't be built: move the folder"
rm -f "$built"

say "build: the page's WASM and the server, at the same time"
SECONDS=0
# Panics name their place in the source. Where this machine keeps that is nobody's business, and a kilobyte.
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src/="
# Two runs, since one would build the server after the WASM, and each of them ends with minutes that use one core.
# A run empties its site folder first, so the server's has one of its own, in which nothing is put.
LEPTOS_SITE_ROOT=target/site.server cargo leptos build --release --server-only &
server=$!
# An interruption does not reach what runs in the background.
trap 'kill -INT $server 2>/dev/null || true' EXIT
cargo leptos build --release --frontend-only --precompress || fail "the page's WASM could not be built: see above"
wait $server || fail "the server could not be built: see above"
rm -rf target/site.server
[[ -x target/release/server ]] || fail "the build left no target/release/server: see above"
# The names of the assets, for a server that finds the site's folder in another place than beside it.
cp target/release/hash.txt target/site/hash.txt
# Type declarations are for who writes TypeScript against the module; the page does not.
rm -f target/site/pkg/*.ts target/site/pkg/*.ts.{br,gz}
compgen -G 'target/site/pkg/*.wasm' >/dev/null || fail "the build left no WASM in target/site/pkg: see above"
# Node's encoder knows the size of a file beforehand, and makes the WASM smaller than cargo-leptos' does.
if has node; then
  node -e '
    const { readFileSync, statSync, writeFileSync } = require("node:fs");
    const { brotliCompressSync, constants } = require("node:zlib");
    for (const file of process.argv.slice(1)) {
      const content = readFileSync(file);
      const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
      const smaller = brotliCompressSync(content, { params });
      if (smaller.length < statSync(`${file}.br`).size) writeFileSync(`${file}.br`, smaller);
    }
  ' target/site/pkg/*.{css,js,wasm}
fi
# Pictures are compressed already.
rm -f target/site/*.{png,ico}.{br,gz}

# What was there when the build began: a file that was saved meanwhile is built the next time.
printf '%s\n%s' "$before" "$(results)" >"$built"
say "build: took $SECONDS seconds"
