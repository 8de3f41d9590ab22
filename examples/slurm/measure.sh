#!/bin/bash
# Measures what all parts of part.sh wrote: FID and its kin, and a report. REFERENCE is the folder that `splatgraph batch
# graphs/features.json` wrote for the real pictures. Arguments, such as `splits=1`, go to the graph.
#SBATCH --job-name=table-2-measure
#SBATCH --cpus-per-task=8
set -euo pipefail

out="${OUT:-table-2}"
splatgraph batch "${GRAPHS:-graphs}/measure.json" features="$out/features" reference="${REFERENCE:-originals/features}" \
    --table fid.csv --out "$out/measured" "$@"
splatgraph report "$out/measured" --out "$out/report"
