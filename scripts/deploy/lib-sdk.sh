# shellcheck shell=bash
# Sourced, after lib.sh, by the checks that need the gcloud SDK. None of them needs an account or a network.

# The folder of gcloud's configuration for as long as a check runs; the script that sources this removes it at the end.
sdk_config=

# Finds the SDK and sets sdk, or says that WHAT is skipped and returns 1. With CI=true that is a failure, so that
# nobody takes a skipped check for a passed one.
find_sdk() { # WHAT
  if has gcloud; then
    # A configuration of its own: the person's may name a project that can't be reached, or want an update.
    sdk_config=$(mktemp -d)
    export CLOUDSDK_CONFIG=$sdk_config CLOUDSDK_CORE_DISABLE_PROMPTS=1
    sdk=$(gcloud info --format='value(installation.sdk_root)' 2>/dev/null) || sdk=
    [[ ! -d $sdk/lib/googlecloudsdk ]] || return 0
  fi
  [[ ${CI:-} != true ]] || fail "gcloud is missing: CI does not skip $1 (https://cloud.google.com/sdk)"
  say "SKIPPING $1: gcloud is missing (https://cloud.google.com/sdk)"
  return 1
}

# with_sdk SCRIPT ARGUMENT...: a Python script of this folder, on the Python that gcloud itself runs on.
with_sdk() {
  local python=$sdk/platform/bundledpythonunix/bin/python3
  [[ -x $python ]] || python=${CLOUDSDK_PYTHON:-python3}
  # -S: no site packages, which could stand before the SDK's own; -B: leaves nothing beside the script.
  CLOUDSDK_ROOT_DIR=$sdk "$python" -S -B "scripts/deploy/$1" "${@:2}"
}
