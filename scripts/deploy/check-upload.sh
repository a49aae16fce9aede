#!/usr/bin/env bash
# Checks what `gcloud app deploy` would upload: all that Dockerfile copies, nothing private, little in all.
source "$(dirname "$0")/../lib.sh"
source scripts/deploy/lib-sdk.sh
trap 'rm -rf "$sdk_config"' EXIT

most_bytes=$((2 * 1024 * 1024))

find_sdk "THE CHECK OF WHAT IS UPLOADED" || exit 0
[[ -f .gcloudignore ]] || fail ".gcloudignore is missing: all there is would be uploaded"
if grep -q '^!' .dockerignore; then
  fail ".dockerignore: no exceptions (!), since gcloud reads its lines in no order"
fi
uploaded=$(with_sdk list_upload.py .) || fail "gcloud can't list what it would upload: see above"

wanted() {
  printf '%s\n' app.yaml Dockerfile .dockerignore
  local instruction words
  while read -r instruction words; do
    [[ $instruction == COPY && $words != --from=* ]] || continue
    # Without the last word, which is where the copy goes.
    # shellcheck disable=SC2086 # words, and there are no blanks in our names
    find ${words% *} -type f ! -name '*.pyc'
  done <Dockerfile
}
missing=$(comm -13 <(sort <<<"$uploaded") <(wanted | sort -u))
[[ -z $missing ]] || fail "not uploaded, though the image is built from it: ${missing//$'\n'/, }"

private='^data/|(^|/)(target|node_modules|\.git|\.ssh|test-results)/|(^|/)\.env'
private+='|\.(db|db-wal|db-shm|pem|key)$|credentials|service-account.*\.json$'
if leaked=$(grep -E "$private" <<<"$uploaded"); then
  fail "uploaded, though it should stay here: ${leaked//$'\n'/, }"
fi

bytes=$(tr '\n' '\0' <<<"$uploaded" | xargs -0 cat | wc -c)
[[ $bytes -le $most_bytes ]] ||
  fail "the upload is $bytes bytes, more than the $most_bytes that the sources may have: see .gcloudignore"
say "upload: $(wc -l <<<"$uploaded") files, $((bytes / 1024)) KiB"
