# shellcheck shell=bash
# Sourced by the scripts that need a tool from crates.io. The exact version on PATH is used where there is
# one; else it is compiled once, into the cache.

# ensure NAME VERSION BINARY ROOT CARGO-INSTALL-ARGUMENTS...
ensure() {
  local name=$1 version=$2 binary=$3 root=$4
  shift 4
  if [[ " $("$binary" --version 2>/dev/null)" == *" $version" ]]; then
    say "$name $version: already there"
    return
  fi
  say "$name $version: compiling it once, this takes some minutes"
  cargo install "$name" --version "$version" --root "$root" "$@" >&2 ||
    fail "$name $version did not install: see above; any way of getting that version onto PATH will do"
}
