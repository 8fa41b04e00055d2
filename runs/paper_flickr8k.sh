#!/usr/bin/env bash
# The paper's tables on Flickr8K: trains every row, 3 seeds each, and judges them on the test split.
#
#   runs/paper_flickr8k.sh DATA OUT [SEEDS] [RUNS AT A TIME]
#
# DATA holds Flickr8K as docs/data.md says. Needs the train extra; a stopped call goes on where it stopped.
set -euo pipefail
exec python "$(dirname "$0")/paper.py" "$1" "$2" --seeds "${3:-3}" ${4:+--jobs "$4"}
