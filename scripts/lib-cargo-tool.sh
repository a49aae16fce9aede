# shellcheck shell=bash
# Sourced, after lib.sh, by the scripts that need a tool from crates.io. The exact version on PATH is used as it is.
# Else a released binary is downloaded, if its checksum is pinned in versions.env. Else the tool is compiled, with
# the cheapest profile: a build tool runs for seconds, and its own release profile takes minutes of compilation.

# ensure CRATE BINARY NAME ROOT CARGO-INSTALL-ARGUMENTS...
# NAME is the prefix of the tool's variables in versions.env: NAME_VERSION, NAME_RELEASE, NAME_SHA256.
ensure() {
  local crate=$1 binary=$2 name=$3 root=$4
  local version=${name}_VERSION release=${name}_RELEASE checksums=${name}_SHA256
  version=${!version} release=${!release:-} checksums=${!checksums:-}
  shift 4
  if is_version "$binary" "$version"; then
    say "$crate $version: already there"
  elif download "$crate $version" "$binary" "$release" "$checksums" "$root" && is_version "$root/bin/$binary" "$version"; then
    say "$crate $version: the released binary"
  else
    compile "$crate" "$version" "$root" "$@"
  fi
}

is_version() { [[ " $("$1" --version 2>/dev/null)" == *" $2" ]]; }

# The target of the released binaries that run here: on Linux the static ones, which need no particular C library.
release_target() {
  local machine
  machine=$(uname -m)
  case $(uname -s) in
    Linux) echo "${machine/arm64/aarch64}-unknown-linux-musl" ;;
    Darwin) echo "${machine/arm64/aarch64}-apple-darwin" ;;
  esac
}

# download WHAT BINARY URL CHECKSUMS ROOT: puts the released binary into ROOT/bin. Fails if there is none for this
# machine, if it can't be fetched, or if it is not the file that was pinned; the caller then compiles the tool.
download() {
  local what=$1 binary=$2 url=$3 checksums=$4 root=$5 target expected actual work
  target=$(release_target)
  expected=$(awk -v target="$target" '$1 == target { print $2 }' <<<"$checksums")
  [[ -n $target && -n $expected ]] && has curl && has tar || return 1
  url=${url/TARGET/$target}
  say "$what: downloading $url"
  work=$(mktemp -d)
  # A network that drops packets instead of refusing them costs five seconds here.
  if ! curl -fsSL --connect-timeout 5 --max-time 180 -o "$work/archive" "$url" 2>/dev/null; then
    say "$what: it could not be downloaded"
    rm -rf "$work"
    return 1
  fi
  actual=$(checksum "$work/archive")
  if [[ $actual != "$expected" ]]; then
    say "$what: NOT USED, the file's SHA-256 is $actual, not $expected as scripts/versions.env has it"
    rm -rf "$work"
    return 1
  fi
  mkdir -p "$root/bin"
  tar -xzf "$work/archive" -C "$work"
  # A rename within the folder, so that an interruption leaves no half of a program.
  cp "$(find "$work" -type f -name "$binary" | head -n 1)" "$root/bin/.$binary"
  chmod 755 "$root/bin/.$binary"
  mv "$root/bin/.$binary" "$root/bin/$binary"
  rm -rf "$work"
}
checksum() { if has sha256sum; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d' ' -f1; }

# compile CRATE VERSION ROOT CARGO-INSTALL-ARGUMENTS...
compile() {
  local crate=$1 version=$2 root=$3
  shift 3
  say "$crate $version: compiling it once, this takes $(minutes "$crate") on two slow cores"
  # Beside the tools and not in a temporary folder: a build that was interrupted goes on where it stopped.
  # shellcheck disable=SC2154 # lib.sh sets it
  local target=$cache/build
  (
    export CARGO_TARGET_DIR=$target
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256
    export CARGO_PROFILE_RELEASE_DEBUG=false
    # cargo-leptos brings the source of OpenSSL; the system's saves compiling it.
    if has pkg-config && pkg-config --exists 'openssl >= 1.1'; then
      export OPENSSL_NO_VENDOR=1
    elif [[ $crate == cargo-leptos ]]; then
      say "with OpenSSL's headers (Debian: libssl-dev, pkg-config) it would take two minutes less"
    fi
    exec cargo install "$crate" --version "$version" --root "$root" "$@" >&2
  ) || fail "$crate $version did not install: see above; any way of getting that version onto PATH will do"
  rm -rf "$target"
}
# Measured, on two slow cores.
minutes() {
  case $1 in
    cargo-leptos) echo "about 6 minutes" ;;
    cargo-deny) echo "about 3 minutes" ;;
    *) echo "about a minute" ;;
  esac
}
