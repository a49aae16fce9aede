#!/usr/bin/env bash
# Builds the standard library for wasm32 from source into a sysroot, for machines where rustup may not
# download it: build-wasm-target.sh SYSROOT. The source is Debian's package rust-src, from a mirror
# that apt is set to; it must be of rustc's own version. Takes about a minute on two cores.
source "$(dirname "$0")/../lib.sh"

target=wasm32-unknown-unknown
destination=$1/lib/rustlib/$target/lib
version=$(rustc --version | cut -d' ' -f2)
by_hand="add the target $target to Rust $version by hand"

[[ $RUST_SRC_DEB == *"rust-src_$version+"* ]] ||
  fail "no source is known for Rust $version (RUST_SRC_DEB in scripts/versions.env): $by_hand"
for tool in curl dpkg-deb; do has "$tool" || fail "$tool is missing: install it, or $by_hand"; done
mkdir -p "$destination" 2>/dev/null || true
[[ -w $destination ]] ||
  fail "$destination can't be written: run this as its owner, or $by_hand"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetch() {
  local mirror
  # shellcheck disable=SC2016 # $(REPO_URI) is apt's own notation
  for mirror in $(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | sort -u); do
    if curl -fsSL --retry 2 -o "$work/rust-src.deb" "$mirror$RUST_SRC_DEB" 2>/dev/null; then
      say "rust-src $version: from $mirror"
      return
    fi
  done
  return 1
}
fetch || fail "${RUST_SRC_DEB##*/} is on no Debian mirror reachable here: $by_hand"
[[ $(sha256sum <"$work/rust-src.deb") == "$RUST_SRC_SHA256 "* ]] ||
  fail "${RUST_SRC_DEB##*/} is not the file that scripts/versions.env expects (RUST_SRC_SHA256)"
dpkg-deb -x "$work/rust-src.deb" "$work/source"

# These flags make a sysroot crate of what cargo would else build as an ordinary library; bitcode is
# what link-time optimisation reads.
RUSTC_BOOTSTRAP=1 \
  RUSTFLAGS="-Zforce-unstable-if-unmarked -Cembed-bitcode=yes -Cdebuginfo=0" \
  CARGO_TARGET_DIR=$work/target \
  cargo build --release --locked --target "$target" \
  --manifest-path "$work/source/usr/src/rustc-$version/library/sysroot/Cargo.toml" \
  --features "panic-unwind compiler-builtins-mem" >&2 ||
  fail "the standard library did not compile for $target: see above, or $by_hand"
cp "$work/target/$target"/release/deps/*.rlib "$destination/"
say "$target: built from source into $1"
