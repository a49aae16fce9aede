#!/usr/bin/env bash
# Tests lib-cargo-tool.sh: when a released binary is used and when the tool is compiled. Network and cargo are
# stand-ins on PATH, so nothing leaves this machine and nothing is compiled.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/stand-ins" "$work/release/tool-1.2.3"

# The released archive, and a curl that fetches it, or fails when there is no network.
printf '#!/bin/sh\necho tool 1.2.3\n' >"$work/release/tool-1.2.3/tool"
chmod +x "$work/release/tool-1.2.3/tool"
tar -czf "$work/archive" -C "$work/release" .
cat >"$work/stand-ins/curl" <<STAND_IN
#!/bin/sh
[ -z "\$NO_NETWORK" ] || exit 7
while [ \$# -gt 0 ]; do [ "\$1" = -o ] && file=\$2; shift; done
cp "$work/archive" "\$file"
STAND_IN
# A cargo that prints its arguments.
cat >"$work/stand-ins/cargo" <<'STAND_IN'
#!/bin/sh
echo "compiled: $* (opt-level $CARGO_PROFILE_RELEASE_OPT_LEVEL)" >&2
STAND_IN
chmod +x "$work"/stand-ins/*

sha256=$( (source scripts/lib.sh && source scripts/lib-cargo-tool.sh && checksum "$work/archive"))

ensured() { # CHECKSUM: what ensure says of a tool with this checksum pinned
  (
    export XDG_CACHE_HOME=$work/cache PATH="$work/stand-ins:$PATH"
    source scripts/lib.sh
    source scripts/lib-cargo-tool.sh
    # shellcheck disable=SC2034 # ensure reads them by name
    TOOL_VERSION=1.2.3 TOOL_RELEASE=https://example.com/TARGET.tar.gz TOOL_SHA256="$(release_target) $1"
    export PATH="$cache/tool/bin:$PATH"
    ensure tool tool TOOL "$cache/tool" --locked
  ) 2>&1
}
expect() { # CASE TEXT OUTPUT
  [[ $3 == *"$2"* ]] || { printf 'error: %s: expected "%s", got:\n%s\n' "$1" "$2" "$3" >&2 && exit 1; }
}
compiled="compiled: install tool --version 1.2.3 --root $work/cache/hello-sessions/tool --locked (opt-level 0)"

expect "no checksum is pinned" "$compiled" "$(ensured '')"
expect "there is no network" "$compiled" "$(NO_NETWORK=1 ensured "$sha256")"
expect "another file than was pinned" "NOT USED" "$(ensured "${sha256//[0-9]/0}")"
expect "another file than was pinned" "$compiled" "$(ensured "${sha256//[0-9]/0}")"
[[ ! -e $work/cache/hello-sessions/tool/bin/tool ]] || { echo "error: the file that was refused is there" >&2 && exit 1; }
expect "the pinned file" "the released binary" "$(ensured "$sha256")"
expect "a version that is there" "already there" "$(NO_NETWORK=1 ensured "$sha256")"
