#!/usr/bin/env bash
# A haproxy for the rehearsal. Prints where it is on stdout; fails if there is none and none can be installed.
source "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/usr/local/sbin
if ! has haproxy && has apt-get; then
  if [[ $(id -u) == 0 ]]; then as_root=(); else as_root=(sudo -n); fi
  say "haproxy: installing Debian's"
  apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null; }
  if apt update; then apt install -y --no-install-recommends haproxy || true; fi
fi
command -v haproxy || exit 1
