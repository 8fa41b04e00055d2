#!/usr/bin/env bash
# The paper's tables on Flickr8K: train every row, with 3 seeds each, and judge them on the test split.
#
#   runs/paper_flickr8k.sh DATA OUT [SEEDS] [RUNS AT A TIME]
#
# DATA has Flickr8K as in docs/data.md. Needs the train extra. After an interruption, call it again to continue.
set -euo pipefail
exec python "$(dirname "$0")/paper.py" "$1" "$2" --seeds "${3:-3}" ${4:+--jobs "$4"}
