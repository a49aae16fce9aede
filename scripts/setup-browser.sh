#!/usr/bin/env bash
# A Chromium for the browser tests. Prints the value for CHROMIUM_PATH on stdout; an empty line means
# the browser that Playwright manages itself. One that is there already is taken before one is fetched.
source "$(dirname "$0")/lib.sh"
source scripts/lib-browser.sh
scripts/setup-npm.sh

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

if [[ -n ${CHROMIUM_PATH:-} ]]; then
  [[ -x $CHROMIUM_PATH ]] || fail "CHROMIUM_PATH names no program: $CHROMIUM_PATH"
  use "$CHROMIUM_PATH" "CHROMIUM_PATH"
fi
use_what_is_there

say "browser: downloading Playwright's Chromium"
if ! playwright_install chromium; then
  say "browser: it could not be downloaded, installing Debian's chromium instead"
  apt_install chromium fonts-liberation || true
fi
use_what_is_there
fail "no Chromium could be installed: install one (Debian: apt-get install chromium) or set CHROMIUM_PATH"
