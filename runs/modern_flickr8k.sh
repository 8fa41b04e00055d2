#!/usr/bin/env bash
# The shipped model and its figures: trains `modern` on Flickr8K, exports it, judges it on the test split.
#
#   runs/modern_flickr8k.sh DATA OUT [SEED]
#
# DATA holds Flickr8K as docs/data.md says; OUT gets run/, bundle/ and a JSON file for each evaluation.
# Needs the train extra. About 10 minutes on one H100; a stopped call goes on where it stopped.
set -euo pipefail
data=$1 out=$2 seed=${3:-0}

dvsa train modern --data "$data" --out "$out/run" --seed "$seed"
[ -d "$out/bundle" ] || dvsa export "$out/run" --out "$out/bundle"
exec "$(dirname "$0")/judge.sh" "$data" "$out/bundle" "$out" test
