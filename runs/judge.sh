#!/usr/bin/env bash
# All figures of a bundle on a split, on the CPU; a JSON file for each evaluation.
#
#   runs/judge.sh DATA BUNDLE OUT SPLIT
set -euo pipefail
data=$1 bundle=$2 out=$3 split=$4

mkdir -p "$out"
for what in ranking captions regions grounding; do
    began=$(date +%s)
    dvsa evaluate "$what" --data "$data" --split "$split" --bundle "$bundle" --json > "$out/$what.$split.json"
    echo "$what on $split: $(($(date +%s) - began)) s" >&2
done
