#!/bin/bash
# One part of the samples for Table 2: an array job of Slurm. Submit it in a clone of the project, then the job that measures all parts:
#
#     job=$(sbatch --parsable --array=1-16 examples/slurm/part.sh)
#     sbatch --dependency=afterok:"$job" examples/slurm/measure.sh
#
# Arguments behind the script, such as `generator=mine.safetensors steps=50`, go to the graph. All nodes have to share the folder
# OUT. A part that was stopped or lost its node is put back into the queue, and runs only what is missing.
#SBATCH --job-name=table-2
#SBATCH --array=1-16
#SBATCH --cpus-per-task=8
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

# Slurm runs a copy of this script, but in the folder of `sbatch`. The array has to begin with 1, without gaps.
part="$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
exec splatgraph batch "${GRAPHS:-graphs}/table-2.json" class="${CLASSES:-0..11}" seed="${SEEDS:-0..4166}" \
    inception="${INCEPTION:-pt_inception-2015-12-05-6726825d.pth}" --out "${OUT:-table-2}" --part "$part" "$@"
