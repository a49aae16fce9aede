#!/usr/bin/env bash
# Rust itself: the toolchain that rust-toolchain.toml names, a C compiler for the crates that build C,
# and the wasm32 target. Each of them is passed to rustup by name, since a machine may forbid it to install
# what a file merely mentions.
source "$(dirname "$0")/lib.sh"

target=wasm32-unknown-unknown
channel=$(sed -n 's/^channel *= *"\(.*\)".*/\1/p' rust-toolchain.toml)

has cargo || fail "cargo is missing: install Rust from https://rustup.rs and open a new shell"
has cc || fail "a C compiler (cc) is missing: install one (Debian: apt-get install build-essential; macOS: xcode-select --install)"

if has rustup && ! rustup toolchain list | grep -q "^$channel-"; then
  say "Rust $channel: installing with rustup"
  rustup toolchain install "$channel" --profile minimal --component rustfmt --component clippy >&2 ||
    fail "rustup could not install Rust $channel: see its message above, then run this again"
fi
say "Rust: $(rustc --version)"

installed() { compgen -G "$(rustc --print sysroot)/lib/rustlib/$target/lib/libcore-*.rlib" >/dev/null; }
if installed; then
  say "$target: already there"
elif has rustup && rustup target add "$target" >&2; then
  say "$target: added by rustup"
else
  say "$target: rustup could not add it, building it from source"
  scripts/offline/build-wasm-target.sh "$(rustc --print sysroot)"
fi
