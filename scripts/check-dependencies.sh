#!/usr/bin/env bash
# What is in the dependency tree: licences, bans and sources as deny.toml has them, known vulnerabilities
# where the database can be reached, and dependencies that nothing uses.
source "$(dirname "$0")/lib.sh"
source scripts/lib-cargo-tool.sh

ensure cargo-deny cargo-deny CARGO_DENY "$cargo_deny_root" --locked
ensure cargo-machete cargo-machete CARGO_MACHETE "$cargo_machete_root" --locked

cargo deny check bans licenses sources
if cargo deny fetch db >/dev/null 2>&1; then
  cargo deny check advisories
else
  say "NOT CHECKED: known vulnerabilities; the advisory database can't be reached from here"
fi
cargo machete
