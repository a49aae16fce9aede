#!/usr/bin/env bash
# Starts an app from this template: `make new NAME=my-app`. A copy of what is in git, under another name, in a git
# repository of its own, without what is about the template itself.
#
#   NAME=my-app            names the site's files, the cookie, the image and the service account
#   DIR=../my-app          the folder, which must not exist or be empty
#   TITLE='My app'         the name that people read
#   PAGE=tutorial|empty    the greeting page to change, or the smallest page with a session
source "$(dirname "$0")/lib.sh"

name=${NAME:-}
[[ $name =~ ^[a-z][a-z0-9]*([-_][a-z0-9]+)*$ && ${#name} -le 30 ]] ||
  fail "NAME: lower-case letters, digits, - and _ between them, a letter first, 30 at most; for example make new NAME=my-app"
dir=${DIR:-../$name}
words=${name//[-_]/ }
title=${TITLE:-${words^}}
[[ -n $title && ! $title =~ [[:cntrl:]] ]] || fail "TITLE: one line of text"
page=${PAGE:-tutorial}
[[ $page == tutorial || $page == empty ]] || fail "PAGE: tutorial or empty, not $page"
[[ ! -e $dir || (-d $dir && -z $(ls -A "$dir")) ]] || fail "DIR: $dir exists and is not an empty folder"
# A service account has 6 to 30 letters, digits and hyphens (https://cloud.google.com/iam/docs/service-accounts-create).
account=${name//_/-}
[[ ${#account} -ge 6 ]] || account+=-server

dir=$(realpath -m "$dir")
# A C library's build (jemalloc's) refuses such a path, minutes later.
[[ $dir != *[[:space:]]* ]] || fail "DIR: $dir has a space in its path, which some C libraries can't be built below"
[[ $dir/ != "$PWD"/* ]] || fail "DIR: $dir is inside of the template"

# What is about the template: its own tests, figures, pictures and history.
not_copied=(
  .ci bench outside CHANGELOG.md CONTRIBUTING.md README.md SECURITY.md
  docs/bench.svg docs/page.md docs/performance.md docs/scale.md 'docs/*.png'
  end2end/kitchen-sink end2end/kitchen-sink.config.ts scripts/new scripts/new.sh scripts/tests
)
mkdir -p "$dir"
git ls-files -z -- . "${not_copied[@]/#/:!}" | tar --create --null --files-from=- | tar --extract --directory "$dir"
cp -R scripts/new/tutorial/. "$dir"
template=$PWD
cd "$dir"

edit() { # PROGRAM FILE...: with sed, in place
  local program=$1
  shift
  sed -E "$program" "$@" >/dev/null # fails with a message if it can't be done
  local file
  for file in "$@"; do sed -E -i.before "$program" "$file" && rm "$file.before"; done
}
# What stands between slashes in a sed program.
quoted() { sed 's/[\/&]/\\&/g' <<<"$1"; }

# Rules of the Makefile that are about what was not copied: paragraphs, with their comments.
awk -v RS= -v ORS='\n\n' '$0 !~ /(^|\n)(new|test-new|bench|bench-peers|test-outside|kitchen-sink):/' Makefile >Makefile.new
mv Makefile.new Makefile
edit '/^\.PHONY|\$\(MAKE\)/ s/ (new|test-new|bench-peers|bench|test-outside|kitchen-sink)\b//g; /outside\/Cargo.toml|scripts\/tests/d' Makefile
edit 's/, "bench"//; /^# A page for the browser tests alone/d; /^exclude = /d; s/; `bench` measures//' Cargo.toml
edit '/bench/d' Dockerfile .gcloudignore
edit 's/ \| tee bench\/src\/main\.rs//; s/\bbench[, ]//' scripts/deploy/build-dependencies.sh scripts/offline/check-image.sh
edit '/kitchen-sink/d' .gitignore end2end/package.json
edit 's/: `make kitchen-sink`\././; /scripts\/new\.sh/d' docs/architecture.md
edit '/^## Your own name$/,/^## What is yours/ { /^## What is yours/!d; }' docs/make-it-yours.md
edit 's/- run: \.ci\/run/- run: make lint test/; s/^(# Runs) \.ci\/run, .*(make lint)/\1 \2/' .github/workflows/*
edit 's/\[([^]]*)\]\(((\.\.\/)?README|page|performance|scale)\.md[^)]*\)/\1/g' docs/*.md

if [[ $page == empty ]]; then
  xargs rm -rf <"$template/scripts/new/empty/removed"
  cp -R "$template/scripts/new/empty/." "$dir"
  rm removed
  edit '/^<!-- tutorial: -->$/,/^<!-- tutorial end -->$/d' docs/*.md
  edit 's/--field=greeting //' docs/make-it-yours.md
  cat -s docs/make-it-yours.md >guide && mv guide docs/make-it-yours.md
  edit 's/ +GREETING$//; s/ +(Salut le Monde|Ciao Mondo)$//; s/ greeting=.Hola Mundo.$//; /^greeting /d' docs/operations.md
  edit 's/`greeting`, `views`/`views`/; s/`greeting` and `views`/`views`/; s/, a change or a look at `\/session`/ or a change/' docs/*.md
  edit 's/greeting and views/views/; s/\(greeting views\)/(views)/' scripts/deploy/setup-firestore.sh
  edit "s/, greeting='Hola Mundo'//" server/src/cli/sessions/args.rs
  edit '/UnknownGreeting => /d; s/(Self::)?UnknownGreeting \| //; /UnknownGreeting|none of the greetings/d' app/src/server_fns/error.rs
  edit 's/To the greeting/To the first page/; s/Your count can/Your session can/' app/src/pages/notice.rs
  edit 's/^(\/\/\/ Serves) a page that .*/\1 the app/' server/src/cli/args.rs
  edit '/^(jiff|rand) = /d; /"dep:(jiff|rand)",/d; /^\[\[bench\]\]/,/^$/d; /^criterion/d; /^\[target.*dev-dep/d' app/Cargo.toml
  edit '/^(reqwest|rusqlite)\.workspace/d' server/Cargo.toml
  edit '/"(engines|shots)":/d' end2end/package.json
  edit '/^\.PHONY|\$\(MAKE\)/ s/ (engines|shots)\b//g' Makefile
  awk -v RS= -v ORS='\n\n' '$0 !~ /(^|\n)(engines|shots):/' Makefile >Makefile.new
  mv Makefile.new Makefile
fi

# The names, everywhere but in the crate and in what is shared with other apps made from the template.
rust=$(sed 's/[\\"]/\\&/g' <<<"$title")
git init --quiet --initial-branch=main
git add --all
git ls-files -z -- . ':!sessions' ':!LICENSE' ':!scripts/lib.sh' ':!.github' ':!*.png' ':!*.ico' | while IFS= read -rd '' file; do
  edit "s/hello-sessions@/@ACCOUNT@@/g; s/account=hello-sessions/account=@ACCOUNT@/; s/by default hello-sessions/by default @ACCOUNT@/
    s/cache\/hello-sessions/cache\/@SHARED@/g; s/hello-sessions/$name/g; s/@SHARED@/hello-sessions/g; s/@ACCOUNT@/$account/g
    s/\\bsession_id\\b/${name//-/_}_session/g; s/\"(Hello, again|@TITLE@)\"/\"$(quoted "$rust")\"/g; s/@TITLE@/$(quoted "$title")/g" "$file"
done
git -C "$template" rev-parse HEAD >.template

# The lock file without the packages that nothing needs any more.
cargo update --workspace --quiet --offline 2>/dev/null || cargo update --workspace --quiet
cargo fmt --all
git add --all
if git config user.email >/dev/null; then git commit --quiet --message "$title, from the template"; fi
say "$title is in $dir: cd there, and make run"
say "make it yours: docs/make-it-yours.md"
