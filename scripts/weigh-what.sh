#!/usr/bin/env bash
# Says what the WASM's bytes are, before compression: by crate and by function. What the build shrinks and
# strips is shrunk here the same way, but keeps its names.
source "$(dirname "$0")/lib.sh"
source scripts/lib-cargo-tool.sh
ensure twiggy twiggy TWIGGY "$twiggy_root" --locked

wasm=target/front/wasm32-unknown-unknown/wasm-release/frontend.wasm
[[ -f $wasm ]] || fail "there is no $wasm: make build makes it"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wasm-bindgen --target web --no-typescript --out-dir "$work" "$wasm"
mapfile -t shrink < <(cargo metadata --no-deps --format-version 1 |
  node -p 'JSON.parse(fs.readFileSync(0)).metadata.leptos[0]["wasm-opt-features"].filter((option) => option != "--strip-debug").join("\n")')
wasm-opt "${shrink[@]}" -g "$work/frontend_bg.wasm" -o "$work/named.wasm"

twiggy top -n 100000 -f json "$work/named.wasm" | node -e '
const crates = {};
for (const { name, shallow_size } of JSON.parse(fs.readFileSync(0))) {
  if (name.includes("subsection")) continue;
  const crate = name.startsWith("data segment") ? "(data)" : (/(\w+)(\[[0-9a-f]+\])?::/.exec(name)?.[1] ?? "(glue)");
  crates[crate] = (crates[crate] ?? 0) + shallow_size;
}
for (const [crate, bytes] of Object.entries(crates).sort((a, b) => b[1] - a[1])) console.log(`${bytes}`.padStart(7), crate);
'
twiggy top -n 40 "$work/named.wasm" | LC_ALL=C.UTF-8 sed -E 's,^(.{140}).*,\1,'
