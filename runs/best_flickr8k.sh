#!/usr/bin/env bash
# The shipped model and its figures: trains `best` on Flickr8K, exports it, judges it on the test split.
#
#   runs/best_flickr8k.sh DATA SENTENCES OUT [SEED]
#
# DATA holds Flickr8K as docs/data.md says, SENTENCES are the Flickr30K sentences of no Flickr8K photograph;
# OUT gets run/, bundle/ and a JSON file for each evaluation. Needs the train extra. Training takes 16 minutes on
# one H100, judging 5 on two CPU cores. A stopped call goes on where it stopped.
set -euo pipefail
data=$1 sentences=$2 out=$3 seed=${4:-0}

dvsa train best --data "$data" --sentences "$sentences" --out "$out/run" --seed "$seed"
[ -d "$out/bundle" ] || dvsa export "$out/run" --out "$out/bundle"
exec "$(dirname "$0")/judge.sh" "$data" "$out/bundle" "$out" test
