#!/usr/bin/env bash
# A Firefox and a WebKit for the core of the browser tests. Prints FIREFOX=... and WEBKIT=... on stdout, for the
# environment of the tests: `playwright` for the build that Playwright manages, or the path of a program, or nothing
# where there is none and none can be installed. With CI=true that is a failure, so that nobody takes a skipped test
# for a passed one.
source "$(dirname "$0")/lib.sh"
source scripts/lib-browser.sh
scripts/setup-npm.sh

# Whether Playwright's build of it starts here: the program is there, and so are the libraries it needs.
starts() { # firefox|webkit
  (cd end2end && bounded node -e "require('@playwright/test')['$1'].launch().then((browser) => browser.close())") >/dev/null 2>&1
}
find_firefox() {
  local program
  if starts firefox; then
    firefox=playwright
  else
    for program in "$@"; do
      firefox=$(command -v "$program") && return
    done
  fi
  [[ -n $firefox ]]
}
find_webkit() {
  if starts webkit; then
    webkit=playwright
  elif has WebKitWebDriver && has xvfb-run; then
    # Each distribution has it somewhere else.
    webkit=$(find /usr/lib /usr/lib64 /usr/libexec -name MiniBrowser -type f 2>/dev/null | sort | tail -n 1)
  fi
  [[ -n $webkit ]]
}

firefox=${FIREFOX:-} webkit=${WEBKIT:-}
# Debian's firefox-esr is an ordinary program; what is called firefox may be a package that sees no other files.
[[ -n $firefox ]] || find_firefox firefox-esr || wanted+=(firefox)
[[ -n $webkit ]] || find_webkit || wanted+=(webkit)
if [[ -n ${wanted[*]:-} ]]; then
  say "browsers: downloading Playwright's ${wanted[*]}"
  if ! playwright_install "${wanted[@]}"; then
    say "browsers: they could not be downloaded, installing Debian's instead"
    packages=()
    [[ -n $firefox ]] || packages+=(firefox-esr)
    [[ -n $webkit ]] || packages+=(webkit2gtk-driver xvfb xauth)
    apt_install "${packages[@]}" >&2 || true
  fi
  [[ -n $firefox ]] || find_firefox firefox-esr firefox || true
  [[ -n $webkit ]] || find_webkit || true
fi

report() { # NAME FOUND HOW-TO
  if [[ -n $2 ]]; then
    say "browser: $1 ($2)"
  else
    [[ ${CI:-} != true ]] || fail "there is no $1, and CI does not skip its tests: $3"
    say "SKIPPING THE BROWSER TESTS IN $1: $3"
  fi
}
report Firefox "$firefox" "install Firefox, or set FIREFOX to its path"
report WebKit "$webkit" "Playwright's could not be installed, and there is no WebKitWebDriver with MiniBrowser and xvfb-run (Debian: webkit2gtk-driver xvfb xauth)"
echo "FIREFOX=$firefox"
echo "WEBKIT=$webkit"
