#!/usr/bin/env bash
# Runs a command beside a Firestore emulator: with-emulator.sh COMMAND... The command finds the
# emulator's address in FIRESTORE_EMULATOR_HOST, and its exit code is this script's. An emulator that
# the variable names already is used as it is; else one is started on a free loopback port and stopped
# afterwards. Its jar is run directly: one process to stop, where gcloud leaves a chain of three.
# Without an emulator the command runs all the same, less the tests that need one; with CI=true that
# is a failure, so that nobody takes a skipped test for a passed one.
caller=$PWD
source "$(dirname "$0")/lib.sh"

if [[ -n ${FIRESTORE_EMULATOR_HOST:-} ]]; then
  say "Firestore emulator: the one that FIRESTORE_EMULATOR_HOST names, $FIRESTORE_EMULATOR_HOST"
  cd "$caller" && exec "$@"
fi

find_jar() {
  local sdk
  for sdk in "${CLOUDSDK_ROOT_DIR:-}" /usr/lib/google-cloud-sdk /usr/share/google-cloud-sdk ~/google-cloud-sdk \
    /snap/google-cloud-cli/current "$(gcloud info --format='value(installation.sdk_root)' 2>/dev/null)"; do
    jar=$sdk/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar
    [[ ! -f $jar ]] || return 0
  done
  return 1
}
missing=
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
if ! has curl; then
  missing="curl is missing: install it"
elif ! "$java" -version >/dev/null 2>&1; then
  missing="Java is missing: install a runtime, 11 or newer (Debian: apt-get install default-jre-headless)"
elif ! find_jar; then
  missing="the Firestore emulator is missing: gcloud components install cloud-firestore-emulator (gcloud: https://cloud.google.com/sdk)"
fi
if [[ -n $missing ]]; then
  [[ ${CI:-} != true ]] || fail "$missing; CI does not skip the tests on Firestore"
  say "SKIPPING EVERY TEST ON FIRESTORE: $missing"
  cd "$caller" && exec "$@"
fi

# A port that nothing answers on.
while port=$((20000 + RANDOM % 12000)) && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
export FIRESTORE_EMULATOR_HOST=127.0.0.1:$port
log=$(mktemp)
"$java" -Duser.language=en -cp "$jar" com.google.cloud.datastore.emulator.firestore.CloudFirestore \
  start --host=127.0.0.1 --port="$port" >"$log" 2>&1 </dev/null &
emulator=$!

stopped() { ! kill -0 "$emulator" 2>/dev/null; }
call() { # PATH CURL-ARGUMENTS...
  curl -fs -m 10 -o /dev/null "http://$FIRESTORE_EMULATOR_HOST$1" "${@:2}"
}
stop() {
  call /shutdown -d '' || kill "$emulator" 2>/dev/null || true
  within 10 stopped || kill -9 "$emulator" 2>/dev/null || true
  rm -f "$log"
}
trap stop EXIT

answers_or_died() { call / || stopped; }
if ! within 30 answers_or_died || stopped; then fail "the Firestore emulator did not start: $(tail -n 1 "$log")"; fi
# The first write takes a second, since the JVM is cold: no test should measure that.
documents='projects/warm-up/databases/(default)/documents'
call "/v1/$documents:commit" -H 'Content-Type: application/json' -d '{"writes": [{"update": {"name": "'"$documents"'/warm/up"}}]}' ||
  fail "the Firestore emulator takes no write: $(tail -n 1 "$log")"
version=$(grep -so '"version_string": "[^"]*"' "${jar%/platform/*}/.install/cloud-firestore-emulator.snapshot.json" | cut -d'"' -f4) || true
say "Firestore emulator: ${version:-unknown version}, $jar, at $FIRESTORE_EMULATOR_HOST"

cd "$caller"
"$@"
