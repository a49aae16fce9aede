# shellcheck shell=bash
# Sourced by the scripts beside it: strict mode, the repository as working directory, the pinned
# tools first on PATH, and the two ways a script speaks. Everything is said on stderr, so stdout is
# free for a script's answer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/versions.env
source scripts/versions.env

# Whatever the machine's own settings of Cargo say: the scripts look for what was built here.
export CARGO_TARGET_DIR=$PWD/target

# Tools live outside the checkout, one folder for each version, so a fresh clone need not compile them again.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/hello-sessions
cargo_leptos_root=$cache/cargo-leptos-$CARGO_LEPTOS_VERSION
wasm_bindgen_root=$cache/wasm-bindgen-$WASM_BINDGEN_VERSION
cargo_deny_root=$cache/cargo-deny-$CARGO_DENY_VERSION
cargo_machete_root=$cache/cargo-machete-$CARGO_MACHETE_VERSION
twiggy_root=$cache/twiggy-$TWIGGY_VERSION
binaryen_root=$cache/binaryen-$BINARYEN_VERSION
export PATH="$cargo_leptos_root/bin:$wasm_bindgen_root/bin:$cargo_deny_root/bin:$cargo_machete_root/bin:$twiggy_root/bin:$binaryen_root/node_modules/.bin:$PATH"

say() { printf '==> %s\n' "$*" >&2; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
within() { # SECONDS COMMAND...: tries the command until it succeeds
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [[ $SECONDS -lt $deadline ]] || return 1
    sleep 0.1
  done
}
