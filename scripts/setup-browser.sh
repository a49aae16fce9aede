#!/usr/bin/env bash
# A Chromium for the browser tests. Prints the value for CHROMIUM_PATH on stdout; an empty line means
# the browser that Playwright manages itself. One that is there already is taken before one is fetched.
source "$(dirname "$0")/lib.sh"
scripts/setup-npm.sh

playwright=end2end/node_modules/.bin/playwright
own=$(cd end2end && node -p 'require("@playwright/test").chromium.executablePath()')

use() { # PROGRAM WHOSE
  local version
  version=$("$1" --version 2>/dev/null) || fail "$1 does not run: install what it lacks, or set CHROMIUM_PATH to another Chromium"
  say "browser: $version ($2)"
  if [[ $1 == "$own" ]]; then echo; else echo "$1"; fi
  exit
}
use_what_is_there() {
  local name
  [[ ! -x $own ]] || use "$own" "Playwright's"
  for name in chromium google-chrome; do
    ! has "$name" || use "$(command -v "$name")" "the system's"
  done
}
# A download that is filtered rather than refused would be tried again for long.
bounded() { if has timeout; then timeout 600 "$@"; else "$@"; fi; }
may_be_root() { [[ $(id -u) == 0 ]] || sudo -n true 2>/dev/null; }
as_root() { if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi; }
apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null; }

if [[ -n ${CHROMIUM_PATH:-} ]]; then
  [[ -x $CHROMIUM_PATH ]] || fail "CHROMIUM_PATH names no program: $CHROMIUM_PATH"
  use "$CHROMIUM_PATH" "CHROMIUM_PATH"
fi
use_what_is_there

say "browser: downloading Playwright's Chromium"
if PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT=10000 bounded "$playwright" install chromium >&2 2>/dev/null; then
  # The libraries that it is linked against. A desktop has them; without root one has to.
  ! may_be_root || as_root "$playwright" install-deps chromium >&2 || true
elif has apt-get && may_be_root; then
  say "browser: it could not be downloaded, installing Debian's chromium instead"
  if apt update; then apt install -y --no-install-recommends chromium fonts-liberation || true; fi
fi
use_what_is_there
fail "no Chromium could be installed: install one (Debian: apt-get install chromium) or set CHROMIUM_PATH"
