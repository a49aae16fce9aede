#!/usr/bin/env bash
# Weighs what a first visit loads, as a running server sends it: HTML, CSS, JS and WASM, raw, with gzip and
# with brotli where there is brotli: assets are compressed when they are built, HTML when it is sent, with gzip. More than
# the budget is a failure. weigh.sh [ORIGIN]; without one it starts a server.
source "$(dirname "$0")/lib.sh"

# What a first visit may load, in bytes. An app made from this sets its own.
budget=60000
work=$(mktemp -d)
server=
stop() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT

origin=${1:-}
if [[ -z $origin ]]; then
  while port=$((20000 + RANDOM % 12000)) && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  origin=http://127.0.0.1:$port
  HOST=127.0.0.1 PORT=$port SESSION_STORE=sqlite:$work/sessions.db RUST_LOG=warn target/release/server &
  server=$!
  curl -fs -o /dev/null --retry 50 --retry-connrefused --retry-delay 0 "$origin/readyz" || fail "the server did not start"
fi

get() { curl -fsS -H "Accept-Encoding: $2" "$origin$1"; }
html=$(get / identity)
asset() { grep -o "/pkg/[^\"']*\\.$1" <<<"$html" | head -n 1; }

total=0
printf '%-6s %9s %9s %9s\n' '' raw gzip brotli
for kind in html css js wasm; do
  if [[ $kind == html ]]; then path=/; else path=$(asset $kind); fi
  raw=$(get "$path" identity | wc -c) gzip=$(get "$path" gzip | wc -c) brotli=$(get "$path" "br, gzip" | wc -c)
  [[ $brotli -lt $raw ]] || fail "$path is not compressed"
  printf '%-6s %9d %9d %9d\n' "$kind" "$raw" "$gzip" "$brotli"
  total=$((total + brotli))
done
printf '%-6s %29d of %d\n' total $total $budget
[[ $total -le $budget ]] || fail "the first visit loads $((total - budget)) bytes too many"
