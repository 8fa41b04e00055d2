#!/usr/bin/env bash
# The paper's tables on MSCOCO: train every row on train and restval, with 3 seeds each, and judge them on the
# first 1,000 photographs of Karpathy's test split (OUT/figures-1000) and on all 5,000 (OUT/figures).
#
#   runs/paper_coco.sh DATA OUT [SEEDS] [RUNS AT A TIME]
#
# DATA has MSCOCO as in docs/data.md. Needs the train extra. After an interruption, call it again to continue.
set -euo pipefail
paper="$(dirname "$0")/paper.py"
python "$paper" "$1" "$2" --seeds "${3:-3}" ${4:+--jobs "$4"}
exec python "$paper" "$1" "$2" --seeds "${3:-3}" --first 1000 --only rank
