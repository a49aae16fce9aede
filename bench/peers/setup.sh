#!/usr/bin/env bash
# Installs what the peers need, and prints the folder with a program for each of them: go, node and python. Go and its
# libraries come from Debian, the others from npm and PyPI in the versions named here. A peer that can't be had is left
# out, with a message.
source "$(dirname "$0")/../../scripts/lib.sh"
source scripts/lib-browser.sh

here=$PWD/bench/peers
peers=$cache/peers
mkdir -p "$peers/bin" "$peers/node"
missing() { # PEER WHY
  say "peer $1: NOT MEASURED, $2"
  rm -f "$peers/bin/$1"
}

if ! has go || [[ ! -d /usr/share/gocode/src/cloud.google.com/go/firestore ]]; then
  say "peer go: installing Debian's Go and its libraries"
  apt_install golang-go golang-google-cloud-dev || true
fi
if ! has go; then
  missing go "there is no Go"
elif ! GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$peers/go-cache go build -o "$peers/bin/go" "$here/go/main.go" >&2; then
  missing go "it does not compile"
fi

cp "$here/node/"* "$peers/node"
if npm --prefix "$peers/node" install --no-audit --no-fund --loglevel=error >&2; then
  printf '#!/bin/sh\nexec "%s" "%s"\n' "$(command -v node)" "$peers/node/server.mjs" >"$peers/bin/node"
  chmod +x "$peers/bin/node"
else
  missing node "npm can't install its packages"
fi

if python3 -m venv "$peers/python" >&2 && "$peers/python/bin/pip" install --quiet -r "$here/python/requirements.txt" >&2; then
  printf '#!/bin/sh\nexec "%s" "%s"\n' "$peers/python/bin/python" "$here/python/server.py" >"$peers/bin/python"
  chmod +x "$peers/bin/python"
else
  missing python "pip can't install its packages"
fi
echo "$peers/bin"
