#!/usr/bin/env bash
# Makes what the app needs in a Google Cloud project, and makes nothing twice: the APIs, the Firestore database,
# its policies for sessions, and an account to run as with the roles that it needs and no more.
source "$(dirname "$0")/../lib.sh"

usage() {
  cat <<'HELP'
Usage: scripts/deploy/setup-firestore.sh --project=PROJECT --location=LOCATION [OPTION...]

Makes what the app needs in a Google Cloud project. What is there already is left as it is, so it can be run
again, after a failure too.

  --project=PROJECT     the project's id
  --location=LOCATION   where the database is, for good: gcloud firestore locations list
  --database=DATABASE   the database's id; by default (default)
  --collection=NAME     the collection of the sessions; by default sessions
  --field=NAME          a field of your app's that no query looks for; give it once for each field. By default
                        greeting and views, this app's
  --account=NAME        the name of the service account; by default hello-sessions
  --dry-run             print the commands that make things, run nothing, ask nothing
  --help                print this
HELP
}

project='' location='' database='(default)' collection=sessions account=hello-sessions dry_run= fields=()
for argument in "$@"; do
  case $argument in
    --project=*) project=${argument#*=} ;;
    --location=*) location=${argument#*=} ;;
    --database=*) database=${argument#*=} ;;
    --collection=*) collection=${argument#*=} ;;
    --field=*) fields+=("${argument#*=}") ;;
    --account=*) account=${argument#*=} ;;
    --dry-run) dry_run=true ;;
    --help | -h) usage && exit ;;
    *) fail "$argument: no such option; --help lists them, and a value follows its option after =" ;;
  esac
done
must_match() { # OPTION VALUE PATTERN MEANING
  [[ -n $2 ]] || fail "$1 is missing; --help says what it is"
  [[ $2 =~ ^($3)$ ]] || fail "$1: '$2' is not $4"
}
must_match --project "$project" '[a-z][a-z0-9-]{4,28}[a-z0-9]' "a project's id: 6 to 30 of a-z, 0-9 and -"
must_match --location "$location" '[a-z]+[0-9]*|[a-z]+-[a-z]+[0-9]+' "a location such as nam5, eur3 or europe-west1"
must_match --database "$database" '\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9]' \
  "a database's id: (default), or 4 to 63 of a-z, 0-9 and -"
must_match --collection "$collection" '[A-Za-z][A-Za-z0-9_-]{0,99}' "a collection's name: letters, digits, _ and -"
[[ ${#fields[@]} != 0 ]] || fields=(greeting views)
for field in "${fields[@]}"; do
  must_match --field "$field" '[A-Za-z_][A-Za-z0-9_]*' "a field's name: letters, digits and _, no digit first"
done
must_match --account "$account" '[a-z][a-z0-9-]{4,28}[a-z0-9]' "an account's name: 6 to 30 of a-z, 0-9 and -"
[[ -n $dry_run ]] || has gcloud || fail "gcloud is missing: install it from https://cloud.google.com/sdk"

email=$account@$project.iam.gserviceaccount.com

# Where images are built, kept and run; where sessions are kept; where logs go.
apis=(appengine appengineflex artifactregistry cloudbuild firestore iam logging)

# No query looks for any of these, and an index of a number that counts up, or of a time, is a hot spot: it would cap
# the whole site at about 500 views a second, and make each write slower. `_session` is the engine's: what is in it is
# exempt, too, but for the user, by whom the sessions of a user are found.
unindexed=(created_at expires_at _session "${fields[@]}")
indexed=_session.user

roles=(
  roles/datastore.user          # read and write documents, in Firestore; no indexes, no policies, no databases
  roles/logging.logWriter       # write logs
  roles/artifactregistry.reader # fetch the image that the machine runs
  roles/storage.objectViewer    # fetch what App Engine keeps in its bucket for the deploy
)

# How often a command is tried. More than once only where it may be too early for it.
tries=1 pause=${RETRY_PAUSE:-5}
make() { # COMMAND...: makes one thing, or prints what would
  if [[ -n $dry_run ]]; then
    printf 'gcloud'
    local word
    for word in "$@"; do
      # Quoted for a shell where need be.
      if [[ $word =~ ^[A-Za-z0-9_./:=@,-]+$ ]]; then printf ' %s' "$word"; else printf " '%s'" "$word"; fi
    done
    echo
    return
  fi
  say "gcloud $*"
  local try
  for ((try = 1; ; try++)); do
    ! gcloud "$@" >&2 || return 0
    [[ $try -lt $tries ]] || fail "that did not work, see above; what was made before stays, so just run this again"
    sleep "$pause"
  done
}
ask() { # COMMAND...: what is there already; in a dry run, nothing
  [[ -n $dry_run ]] && return
  gcloud "$@" ||
    fail "gcloud $* did not work: see above; an API that was enabled just now may need a minute"
}
# The answer is kept in a variable first: a failure inside [[ $(...) ]] or a pipe would go unnoticed.
among() { grep -qxF -- "$1" <<<"$2"; }
there() { say "$1: already there"; }
in_project=(--project="$project" --quiet)
in_group=(--collection-group="$collection" --database="$database" "${in_project[@]}")

enabled=$(ask services list --enabled --format='value(config.name)' "${in_project[@]}")
missing=()
for api in "${apis[@]}"; do among "$api.googleapis.com" "$enabled" || missing+=("$api.googleapis.com"); done
if [[ ${#missing[@]} == 0 ]]; then there "APIs"; else make services enable "${missing[@]}" "${in_project[@]}"; fi

databases=$(ask firestore databases list --format='csv[no-heading](name.basename(),type,locationId)' "${in_project[@]}")
found=$(awk -F, -v id="$database" '$1 == id' <<<"$databases")
case $found in
  '')
    make firestore databases create --database="$database" --location="$location" \
      --type=firestore-native "${in_project[@]}"
    ;;
  "$database,FIRESTORE_NATIVE,$location") there "database $database in $location" ;;
  *,FIRESTORE_NATIVE,*)
    fail "database $database is in ${found##*,} and can't be moved: give that --location, or another --database"
    ;;
  *) fail "database $database is in Datastore mode, which this app can't use: give another --database" ;;
esac

# Only fields whose indexes are their own are listed, with how many they have.
listed='csv[no-heading](name.basename(),indexConfig.indexes.len())'
exempt=$(ask firestore indexes fields list --format="$listed" "${in_group[@]}")
# Before the map around it loses its index.
if among "$indexed,1" "$exempt"; then
  there "an index of $indexed"
else
  make firestore indexes fields update "$indexed" --index=order=ascending "${in_group[@]}"
fi
for field in "${unindexed[@]}"; do
  if among "$field,0" "$exempt"; then
    there "no index of $field"
  else
    make firestore indexes fields update "$field" --disable-indexes "${in_group[@]}"
  fi
done

# The server itself refuses a session that has expired; this only cleans up. It takes some minutes to begin and
# nothing waits for it.
expiring=$(ask firestore fields ttls list --format='value(name.basename())' "${in_group[@]}")
if among expires_at "$expiring"; then
  there "expiry by expires_at"
else
  make firestore fields ttls update expires_at --enable-ttl --async "${in_group[@]}"
fi

accounts=$(ask iam service-accounts list --format='value(email)' "${in_project[@]}")
if among "$email" "$accounts"; then
  there "account $email"
else
  make iam service-accounts create "$account" --display-name="Runs the hello-sessions app" "${in_project[@]}"
  # It takes some seconds until a new account is known in all of Google Cloud.
  tries=6
fi

granted=$(ask projects get-iam-policy "$project" --flatten='bindings[].members' \
  --filter="bindings.members=serviceAccount:$email" --format='value(bindings.role)' --quiet)
for role in "${roles[@]}"; do
  if among "$role" "$granted"; then
    there "$role"
  else
    make projects add-iam-policy-binding "$project" --member="serviceAccount:$email" --role="$role" \
      --condition=None --format=none --quiet
  fi
done

[[ -n $dry_run ]] || say "done; deploy with: gcloud app deploy --project=$project --service-account=$email"
