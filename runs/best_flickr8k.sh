#!/usr/bin/env bash
# The shipped model and its figures: train `best` on Flickr8K, export it, judge it on the test split.
#
#   runs/best_flickr8k.sh DATA SENTENCES OUT [SEED]
#
# DATA has Flickr8K as in docs/data.md. SENTENCES are the Flickr30K sentences without those of Flickr8K
# photographs. OUT gets run/, bundle/ and a JSON file for each evaluation. Needs the train extra. Training takes
# seven minutes on one H200, judging 5 minutes on two CPU cores. After an interruption, call it again to continue.
set -euo pipefail
data=$1 sentences=$2 out=$3 seed=${4:-0}

dvsa train best --data "$data" --sentences "$sentences" --out "$out/run" --seed "$seed"
[ -d "$out/bundle" ] || dvsa export "$out/run" --out "$out/bundle"
exec "$(dirname "$0")/judge.sh" "$data" "$out/bundle" "$out" test
