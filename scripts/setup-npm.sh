#!/usr/bin/env bash
# The npm packages of the browser tests (Playwright, TypeScript) and of the check of links, exactly as package-lock.json has them.
source "$(dirname "$0")/lib.sh"

has npm || fail "npm is missing: install Node.js 20 or newer from https://nodejs.org"
# npm writes this file last, so it is newer than the lock file when everything is in place.
if [[ end2end/node_modules/.package-lock.json -nt end2end/package-lock.json ]]; then
  say "npm packages: already there"
  exit
fi
say "npm packages: installing"
npm --prefix end2end ci --no-audit --no-fund --loglevel=error >&2 ||
  fail "npm could not install end2end's packages: see above, then run this again"
