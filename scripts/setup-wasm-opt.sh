#!/usr/bin/env bash
# wasm-opt, which shrinks the release WASM. What rustc emits needs version 116 or newer; where PATH has
# none or an older one, npm's binaryen goes into the cache.
source "$(dirname "$0")/lib.sh"

version() { wasm-opt --version 2>/dev/null | sed -n 's/^wasm-opt version \([0-9]*\).*/\1/p'; }

if [[ $(version) -ge 116 ]]; then
  say "wasm-opt $(version): already there"
  exit
fi
has npm || fail "wasm-opt 116 or newer is missing: install Binaryen, or Node.js (https://nodejs.org) to have it fetched"
say "wasm-opt: installing npm's binaryen $BINARYEN_VERSION"
npm install --prefix "$binaryen_root" --no-audit --no-fund --loglevel=error "binaryen@$BINARYEN_VERSION" >&2 ||
  fail "npm could not install binaryen $BINARYEN_VERSION: see above, or install wasm-opt 116 or newer another way"
