#!/usr/bin/env bash
# Checks all that a deploy depends on, as far as that can be done without Google Cloud and without a Docker
# engine: app.yaml, what would be uploaded, and the image. Run it after `make build`.
source "$(dirname "$0")/../lib.sh"
source scripts/deploy/lib-sdk.sh
trap 'rm -rf "$sdk_config"' EXIT

if find_sdk "THE CHECK OF APP.YAML"; then
  with_sdk validate_app_yaml.py app.yaml
  say "app.yaml: sound"
fi
scripts/deploy/check-upload.sh
scripts/offline/check-image.sh
