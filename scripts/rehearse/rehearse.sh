#!/usr/bin/env bash
# Rehearses a deploy: two servers, run from the image's files with the settings of app.yaml, behind a round robin
# that knows nothing of sessions, on one Firestore (the emulator). Visitors come all the time; meanwhile each server
# is stopped and one of another build started in its place, as a new version does it. Not one view may fail or get
# lost, and each page gets the style and script of its own build.
# Run it after `make build`, with FIRESTORE_EMULATOR_HOST set; `make rehearse` does both.
source "$(dirname "$0")/../lib.sh"
source scripts/deploy/lib-sdk.sh
source scripts/offline/lib-image.sh
visitors=${VISITORS:-24}

skip() { # WHY
  [[ ${CI:-} != true ]] || fail "$1, and CI does not skip the rehearsal"
  say "SKIPPING THE REHEARSAL: $1"
  exit
}
[[ -n ${FIRESTORE_EMULATOR_HOST:-} ]] || skip "FIRESTORE_EMULATOR_HOST names no emulator"
haproxy=$(scripts/setup-haproxy.sh) || skip "there is no haproxy (Debian: apt-get install haproxy)"

work=$(mktemp -d)
root=$work/root
declare -A processes=()
clean_up() {
  local pid
  for pid in "${processes[@]}"; do
    kill -9 "$pid" || true
    wait "$pid" || true
  done 2>/dev/null
  rm -rf "$work" "$sdk_config"
}
trap clean_up EXIT
refuse() { # WHY: fails, with the end of each log
  tail -n 3 "$work"/*.log >&2 || true
  fail "the rehearsal failed: $*"
}
free_port() {
  while port=$((20000 + RANDOM % 12000)) && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}
ready() { curl -fs -m 5 -o /dev/null "http://127.0.0.1:$1/readyz"; }

assemble
# The next build, in a root folder of its own: the same files, and other hashes in the names of the assets.
next=$work/next
cp -a "$root" "$next"
while read -r file; do
  mv "$file" "$(dirname "$file")/$(basename "$file" | sed -E 's/\.([A-Za-z0-9_-]+)\.(css|js|wasm)/.next-\1.\2/')"
done < <(find "$next" -path '*/pkg/*' -type f -regextype posix-extended -regex '.*\.[A-Za-z0-9_-]+\.(css|js|wasm)(\.[a-z]+)?')
[[ -n $(find "$next" -path '*/pkg/*.next-*.css') ]] || fail "no assets with hashes in their names: run make build"
# What cargo-leptos writes of the hashes, where the image has it.
find "$next" -name hash.txt -exec sed -i -E 's/^([a-z]+: *)/\1next-/' {} +
find_enter || skip "this machine can't run a program in another root folder (unshare)"
find_sdk "THE REHEARSAL" || exit 0
mapfile -t settings < <(with_sdk validate_app_yaml.py --env app.yaml)
[[ ${#settings[@]} -gt 0 ]] || fail "app.yaml: see above"
settings+=(FIRESTORE_EMULATOR_HOST="$FIRESTORE_EMULATOR_HOST" GOOGLE_CLOUD_PROJECT="rehearsal-$RANDOM$RANDOM")

start() { # NAME PORT ROOT: runs the image in this root folder, and waits until it is ready
  local program
  program=$(command -v "${enter[0]}")
  # The port is the machine's to give; all else is the image's and app.yaml's. App Engine waits longer for its load
  # balancer to notice than this one needs.
  env -i "${environment[@]}" "${settings[@]}" GAE_SERVICE=default DRAIN_TIME=2s PORT="$2" \
    "$program" "${enter[@]/--root=$root/--root=$3}" -- "$entrypoint" >>"$work/$1.log" 2>&1 &
  processes[$1]=$!
  within 15 ready "$2" || refuse "$1 does not get ready"
}
replace() { # NAME PORT: stops the server as App Engine does, and starts one of the next build
  local code=0
  kill -TERM "${processes[$1]}"
  wait "${processes[$1]}" || code=$?
  unset "processes[$1]"
  [[ $code == 0 ]] || refuse "on SIGTERM $1 ended with $code"
  start "$1" "$2" "$next"
}

a=$(free_port) b=$(free_port) front=$(free_port)
start a "$a" "$root"
start b "$b" "$root"
sed "s/@FRONT@/$front/; s/@A@/$a/; s/@B@/$b/" scripts/rehearse/haproxy.cfg >"$work/haproxy.cfg"
"$haproxy" -db -f "$work/haproxy.cfg" >"$work/haproxy.log" 2>&1 &
processes[haproxy]=$!
within 10 ready "$front" || refuse "the round robin does not get ready"
say "rehearsal: two servers from the image as $who, behind haproxy"

touch "$work/go-on"
node scripts/rehearse/traffic.mjs "http://127.0.0.1:$front" "$visitors" "$work/go-on" >"$work/traffic.log" 2>&1 &
processes[traffic]=$!
served() { [[ $(grep -cs '"target":"request"' "$work/$1.log") -gt $2 ]]; }
for server in a b; do
  within 20 served "$server" 100 || refuse "$server gets no visitors"
done
replace a "$a"
lines=$(grep -c '"target":"request"' "$work/a.log")
within 20 served a $((lines + 100)) || refuse "the new a gets no visitors"
# From here on no server has the first build's files: a page that b has just sent may not find its script.
touch "$work/go-on.last"
replace b "$b"
lines=$(grep -c '"target":"request"' "$work/b.log")
within 20 served b $((lines + 100)) || refuse "the new b gets no visitors"
rm "$work/go-on"
code=0
wait "${processes[traffic]}" || code=$?
unset "processes[traffic]"
[[ $code == 0 ]] || refuse "$(cat "$work/traffic.log")"
if errors=$(grep -h '"severity":"\(ERROR\|WARNING\)"' "$work"/[ab].log); then refuse "the servers complain: $errors"; fi
say "rehearsal: $(tail -n 1 "$work/traffic.log"); both servers were replaced by another build meanwhile"
