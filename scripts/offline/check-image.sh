#!/usr/bin/env bash
# Checks Dockerfile as far as that can be done without a Docker engine. Whatever it copies must be there. The
# final stage is assembled in a folder, from the files of the last `make build`, and the server run with that
# folder as its root: as a user who is nobody else, with no environment but the image's, and no files but the
# image's, a C library and CA certificates, which are what distroless/cc has. Once as it is, on SQLite, and once
# with the settings of app.yaml; those use Firestore if FIRESTORE_EMULATOR_HOST names an emulator. With --build-stage it
# checks the build stage alone, for which nothing has to be built.
source "$(dirname "$0")/../lib.sh"
source scripts/deploy/lib-sdk.sh
source scripts/offline/lib-image.sh

if [[ $(uname -s) != Linux ]]; then
  [[ ${CI:-} != true ]] || fail "the image is Linux's, and CI does not skip its check"
  say "SKIPPING THE CHECK OF THE IMAGE: it is Linux's, and this machine isn't"
  exit
fi

work=$(mktemp -d)
root=$work/root
server=
clean_up() {
  if [[ -n $server ]]; then
    kill -9 "$server" || true
    wait "$server" || true
  fi 2>/dev/null
  rm -rf "$work" "$sdk_config"
}
trap clean_up EXIT

channel=$(sed -n 's/^channel *= *"\(.*\)".*/\1/p' rust-toolchain.toml)
[[ ${build_stage[0]} == "FROM rust:$channel-"* ]] ||
  fail "Dockerfile: not FROM rust:$channel-..., as rust-toolchain.toml has it, but ${build_stage[0]}"

# The build stage, up to the layer of the dependencies: what it copies must be enough for Cargo to see the same
# workspace, with a manifest, a lock file and a stand-in for all that they name.
copy_into() { # FOLDER LINE: does what a COPY of our own files does
  local folder=$1 words source
  read -ra words <<<"${2#COPY }"
  local target=$folder/${words[-1]}
  for source in "${words[@]:0:${#words[@]}-1}"; do
    [[ -e $source ]] || fail "Dockerfile copies $source, which isn't there"
    mkdir -p "$target"
    if [[ -d $source ]]; then cp -r "$source/." "$target/"; else cp "$source" "$target/"; fi
  done
}
layer=$work/layer
for line in "${build_stage[@]}"; do
  case $line in
    "COPY "*) copy_into "$layer" "$line" ;;
    "RUN scripts/"*)
      # What it runs, and whatever scripts those name in turn, must have been copied before.
      lines=$line$'\n'$(grep -rhv '^ *#' "$layer/scripts")
      mapfile -t names < <(grep -o 'scripts/[a-z/-]*\.[a-z]*' <<<"$lines")
      for name in "${names[@]}"; do
        [[ -e $layer/$name ]] || fail "Dockerfile: $line needs $name, which no COPY before it brings"
      done
      ;;&
    "RUN scripts/deploy/build-dependencies.sh")
      (cd "$layer" && scripts/deploy/build-dependencies.sh --stand-ins)
      # Unlike other commands that compile nothing, this one wants all files that a build wants.
      lacks=$(cd "$layer" && cargo fetch --quiet --locked --target "$(rustc --print host-tuple)" 2>&1) ||
        fail "Dockerfile: the dependencies' layer lacks something that Cargo wants: ${lacks//$'\n'/ }"
      rm -r "$layer"/*/{src,benches,examples}
      ;;
  esac
done
for folder in app bench frontend public server sessions style; do
  difference=$(diff -rq "$folder" "$layer/$folder") ||
    fail "Dockerfile does not copy all of $folder: ${difference//$'\n'/; }"
done
say "image: the build stage has all of the sources"
[[ ${1:-} != --build-stage ]] || exit 0

# The final stage.
assemble
if ! find_enter; then
  why="this machine can't run a program in another root folder (unshare)"
  [[ ${CI:-} != true ]] || fail "$why, and CI does not skip the run of the image"
  say "SKIPPING THE RUN OF THE IMAGE: $why"
  exit
fi

while port=$((20000 + RANDOM % 12000)) && (: <>"/dev/tcp/127.0.0.2/$port") 2>/dev/null; do :; done
# A server answers at this address only if it listens on all addresses of its machine, as it must in a container.
at=http://127.0.0.2:$port
start() { # NAME=VALUE...: runs the image with more in its environment, and waits until it is ready
  : >"$work/log"
  local program
  program=$(command -v "${enter[0]}")
  # The port is the machine's to give; all else is the image's.
  env -i "${environment[@]}" PORT="$port" "$@" "$program" "${enter[@]:1}" -- "$entrypoint" >"$work/log" 2>&1 &
  server=$!
  local deadline=$((SECONDS + 15))
  until curl -fs -m 5 -o /dev/null "$at/readyz"; do
    kill -0 "$server" 2>/dev/null || refuse "the server ended: $(tail -n 1 "$work/log")"
    [[ $SECONDS -lt $deadline ]] || refuse "the server does not get ready: $(tail -n 1 "$work/log")"
    sleep 0.1
  done
}
refuse() { fail "the image does not work: $*"; }
stop() {
  local code=0
  kill -TERM "$server"
  wait "$server" || code=$?
  server=
  [[ $code == 0 ]] || refuse "on SIGTERM the server ended with $code: $(tail -n 1 "$work/log")"
}
get() { curl -s -m 10 -D "$work/head" -b "$work/jar" -c "$work/jar" "$@"; }
sets_cookie() { grep -qi '^set-cookie: ' "$work/head"; }
status() { head -n 1 "$work/head" | cut -d' ' -f2; }

# As it is.
start
[[ $(get "$at/healthz") == ok ]] || refuse "/healthz does not say ok"
page=$(get "$at/")
[[ $(status) == 200 ]] || refuse "the page is $(status)"
sets_cookie || refuse "the first page begins no session"
get -o "$work/page" "$at/"
! sets_cookie || refuse "the second page begins another session: the first was not kept"
compgen -G "$root$workdir/data/*.db" >/dev/null || refuse "the session isn't in $workdir/data"
for kind in css js wasm; do
  asset=$(grep -o "/pkg/[^\"' ]*\.$kind" <<<"$page" | head -n 1) || refuse "the page names no .$kind"
  get -o "$work/asset" "$at$asset"
  cmp -s "$work/asset" "target/site$asset" || refuse "$asset isn't what was built: $(status)"
done
stop
say "image: runs as it is, on SQLite, as $who"

# With the settings of app.yaml, behind App Engine's front end.
find_sdk "THE RUN OF THE IMAGE WITH THE SETTINGS OF APP.YAML" || exit 0
settings=$(with_sdk validate_app_yaml.py --env app.yaml) || fail "app.yaml: see above"
mapfile -t settings <<<"$settings"
if [[ -n ${FIRESTORE_EMULATOR_HOST:-} ]]; then
  settings+=(FIRESTORE_EMULATOR_HOST="$FIRESTORE_EMULATOR_HOST" GOOGLE_CLOUD_PROJECT="image-$RANDOM$RANDOM")
  store="the Firestore emulator"
else
  settings+=(SESSION_STORE=sqlite:data/app-yaml.db)
  store="SQLite (FIRESTORE_EMULATOR_HOST names no emulator)"
fi
rm -f "$work/jar"
start "${settings[@]}" GAE_SERVICE=default
forwarded='X-Forwarded-For: 192.0.2.1, 203.0.113.9'
get -o "$work/page" -H 'X-Forwarded-Proto: https' -H "$forwarded" "$at/"
[[ $(status) == 200 ]] || refuse "with app.yaml's settings the page is $(status)"
grep -qi '^set-cookie: __Host-session_id=.*; Secure' "$work/head" ||
  refuse "with app.yaml's settings the cookie isn't __Host-session_id; Secure"
get -o "$work/page" -H 'X-Forwarded-Proto: http' -H "$forwarded" "$at/"
[[ $(status) == 308 ]] || refuse "with app.yaml's settings plain HTTP isn't redirected: $(status)"
stop
if other=$(grep -m 1 -v '^{' "$work/log"); then refuse "on App Engine a line of the log isn't JSON: $other"; fi
say "image: runs with the settings of app.yaml, on $store"
