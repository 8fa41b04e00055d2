#!/usr/bin/env bash
# What half precision costs: the figures of a run in single precision, and of the bundle exported from it.
#
#   runs/precision.sh DATA RUN BUNDLE OUT [SPLIT]
#
# OUT gets half/, single/ and precision.json: half minus single precision, with intervals. Needs the train extra.
set -euo pipefail
data=$1 run=$2 bundle=$3 out=$4 split=${5:-test}

for what in ranking captions regions grounding; do
    dvsa evaluate "$what" --data "$data" --split "$split" --bundle "$bundle" --out "$out/half" > /dev/null
    dvsa evaluate "$what" --data "$data" --split "$split" --run "$run" --out "$out/single" > /dev/null
done
dvsa compare "$out/half" "$out/single" --json > "$out/precision.json"
