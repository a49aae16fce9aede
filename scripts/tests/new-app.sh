#!/usr/bin/env bash
# Starts apps from the template under awkward names, does in one of them what docs/make-it-yours.md says, and sees that
# they compile and serve their pages. They are debug builds, for which most of what they need is compiled already.
source "$(dirname "$0")/../lib.sh"

template=$PWD
work=$(mktemp -d)
server=
clean_up() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

wrong() { # WORD: the names, folders and pages in the environment are refused, with the word in the message
  local output
  ! output=$(scripts/new.sh 2>&1) || fail "NAME=$NAME was taken"
  [[ $output == *"$1"* && $output != *$'\n'* ]] || fail "NAME=$NAME was refused with: $output"
}
for name in '' '-x' '--help' 'My-App' 'a b' 'a/b' '../a' '1a' 'a--b' 'a-' "$(printf 'a%.0s' {1..31})"; do
  NAME=$name DIR=$work/none wrong NAME
done
mkdir "$work/full" && touch "$work/full/file"
NAME=my-app DIR=$work/full wrong DIR
NAME=my-app DIR=$work/none PAGE=both wrong PAGE
NAME=my-app DIR=$work/none TITLE=$'two\nlines' wrong TITLE
NAME=my-app DIR="$work/no ne" wrong DIR
[[ ! -e $work/none ]] || fail "a name that was refused left a folder"

serve() { # FOLDER: builds the app and starts it; sets origin
  cd "$1"
  CARGO_TARGET_DIR=$template/target LEPTOS_SITE_ROOT=$1/site cargo leptos build 2>&1 | tee "$work/log"
  ! grep -q '^warning' "$work/log" || fail "$1 compiles with warnings"
  while port=$((20000 + RANDOM % 12000)) && (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  origin=http://127.0.0.1:$port
  HOST=127.0.0.1 PORT=$port LEPTOS_SITE_ROOT=$1/site SESSION_STORE=sqlite:$1/sessions.db RUST_LOG=warn \
    "$template/target/debug/server" &
  server=$!
  cd "$template"
  curl -fs -o /dev/null --retry 50 --retry-connrefused --retry-delay 0 "$origin/readyz" || fail "$1 did not start"
}
stop() {
  kill "$server"
  wait "$server" || true
  server=
}
sessions() { SESSION_STORE=sqlite:$work/app/sessions.db "$template/target/debug/server" sessions "$@"; }
jar=$work/jar
get() { curl -fsS --cookie "$jar" --cookie-jar "$jar" "$@"; }
has() { # TEXT WHERE: what is read from stdin has it
  local page
  page=$(cat)
  [[ $page == *"$1"* ]] || fail "$2 has no $1: $page"
}

say "an app with all steps of the guide"
title="Tom & Jerry's \"2nd\" a\\b/c"
NAME=my-2nd_app TITLE=$title DIR=$work/app scripts/new.sh
node scripts/tests/apply-guide.mjs docs/make-it-yours.md "$work/app"
(cd "$work/app" && cargo fmt --all && ! grep -rn 'hello-sessions' app server end2end app.yaml Dockerfile Makefile) ||
  fail "the old name is left"
(cd "$work/app" && scripts/offline/check-image.sh --build-stage) || fail "its image can't be built"
serve "$work/app"
get "$origin/" | has '1 views for' "the page"
get "$origin/" | has "<title>${title/&/&amp;}</title>" "the page"
get "$origin/" | has '/pkg/my-2nd_app' "the page"
grep -q 'my_2nd_app_session' "$jar" || fail "the cookie has another name"
get --data-urlencode 'note[text]=milk & "eggs"' --output /dev/null "$origin/api/add-note"
json=(-H 'Content-Type: application/vnd.server-fn+json')
get "${json[@]}" --data '{"note": {"text": "first", "first": true}}' "$origin/api/add-note" | has 2 "the count of notes"
get "${json[@]}" --data '{}' "$origin/api/notes" | has '["first","milk & \"eggs\""]' "the list"
get "$origin/notes" | has '<li>milk &amp; "eggs"</li>' "the page of notes"
get "$origin/notes" | has 'data-props="{&quot;limit&quot;:100}"' "the island"
get "$origin/" | has '4 views for' "the page: notes are no views"
for n in {3..10}; do get "${json[@]}" --data "{\"note\": {\"text\": \"$n\"}}" "$origin/api/add-note" | has "$n" "the count of notes"; done
get --no-fail "${json[@]}" --data '{"note": {"text": "11"}}' "$origin/api/add-note" | has '"full"' "the refusal"
sessions set "$(sessions list --json | sed -E 's/.*"id":"([0-9a-f]+)".*/\1/')" 'notes=["first","milk & \"eggs\""]' >/dev/null
get "$origin/session" | has '<dt>Notes</dt><dd>["first","milk &amp; \"eggs\""]</dd>' "the page of what is stored"
id=$(sessions list --json | sed -E 's/.*"id":"([0-9a-f]+)".*/\1/')
sessions set "$id" 'notes=["set by hand"]' >/dev/null
get "$origin/notes" | has '<li>set by hand</li>' "the page of notes"
sessions set "$id" 'notes=[]' | has 'views' "the session"
shown=$(sessions show "$id")
[[ $shown != *notes* ]] || fail "notes that are empty are stored: $shown"
stop

say "the app's own tests, with a field more, which is always stored"
sed -i.before 's/#\[serde(default, skip_serializing_if = "Vec::is_empty")\]/#[serde(default)]/' "$work/app/app/src/visitor.rs"
! cmp -s "$work/app/app/src/visitor.rs"{,.before} || fail "the guide's field has another attribute"
# On SQLite alone: that a field more breaks none of them is what is to be seen.
(cd "$work/app" && env -u CI -u FIRESTORE_EMULATOR_HOST CARGO_TARGET_DIR="$template/target" cargo test -q -p app -p server)

say "an app with an empty page"
rm "$jar"
# The template's own name in it must not be taken for the template's.
name=hello-sessions-2
NAME=$name TITLE=X9 PAGE=empty DIR=$work/empty scripts/new.sh
! grep -rniE 'greeting|CounterState|session\.json' "$work/empty"/{app,docs,server,scripts} || fail "something of the greeting page is left"
! grep -rn "$name-[0-9]" "$work/empty" --exclude-dir=.git || fail "the name is there twice"
(cd "$work/empty" && scripts/offline/check-image.sh --build-stage) || fail "its image can't be built"
serve "$work/empty"
get "$origin/" | has '<h1>X9</h1>' "the page"
get "$origin/" | has '>2 views<' "the page"
get -H 'Sec-Purpose: prefetch;prerender' "$origin/" | has '>not counted yet<' "a page that was loaded ahead of time"
get "${json[@]}" --data '{}' "$origin/api/refresh" | has '{"views":3}' "the count"
stop
say "both apps compile and serve their pages"
