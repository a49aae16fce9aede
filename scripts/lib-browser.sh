# shellcheck shell=bash
# Sourced, after lib.sh, by the scripts that find or install a browser.

playwright=end2end/node_modules/.bin/playwright

may_be_root() { [[ $(id -u) == 0 ]] || sudo -n true 2>/dev/null; }
as_root() { if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi; }
apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null; }
apt_install() { # PACKAGE...: from Debian, where that can be done
  has apt-get && may_be_root && apt update && apt install -y --no-install-recommends "$@"
}

# A download that is filtered rather than refused would be tried again for long.
bounded() { if has timeout; then timeout 600 "$@"; else "$@"; fi; }

playwright_install() { # BROWSER...: Playwright's own, and the libraries that they need
  PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT=10000 bounded "$playwright" install "$@" >&2 2>/dev/null || return 1
  # A desktop has the libraries; without root one has to.
  ! may_be_root || as_root "$playwright" install-deps "$@" >&2 || true
}
