#!/usr/bin/env bash
# Builds the dependencies alone, for a layer of the image that outlives changes of the source: the manifests are
# there, the sources aren't yet. Stands in for each source with the least that compiles, and runs the same build
# as later, so that flags and environment can't differ. With --stand-ins it stops before the build.
source "$(dirname "$0")/../lib.sh"

[[ ! -e server/src ]] || fail "there are sources here, which this would overwrite: it is for the image's build"
mkdir -p {app,bench,frontend,server,sessions}/src style public
touch {app,sessions}/src/lib.rs style/main.css
# An export, or there would be nothing for wasm-bindgen to do.
cat >frontend/src/lib.rs <<'RUST'
use wasm_bindgen::prelude::wasm_bindgen;
#[wasm_bindgen]
pub fn stand_in() {}
RUST
echo 'fn main() {}' | tee bench/src/main.rs >server/src/main.rs
# Benchmarks and examples that a manifest names have to be there, too.
# shellcheck disable=SC2016 # awk's own variables
targets='FNR == 1 { folder = FILENAME; sub("Cargo.toml$", "", folder) }
  /^\[/ { kind = /^\[\[bench\]\]/ ? "benches" : /^\[\[example\]\]/ ? "examples" : "" }
  kind && /^name *=/ { split($0, name, "\""); print folder kind "/" name[2] ".rs" }'
for file in $(awk "$targets" ./*/Cargo.toml); do
  mkdir -p "${file%/*}"
  echo 'fn main() {}' >"$file"
done
[[ ${1:-} != --stand-ins ]] || exit 0

scripts/build.sh
rm -r target/site ./*/{src,benches,examples} style public
