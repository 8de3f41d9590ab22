"""Runs the examples for Slurm and Kubernetes as their schedulers would, in the small, and compares the parts with a run as a whole.

    python .ci/clusters.py target-quick/release/splatgraph

Needs PyYAML.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import yaml

PROJECT = pathlib.Path(__file__).parent.parent.resolve()
INCEPTION = PROJECT / "nodes/gpstoken/tests/goldens/inception.safetensors"
PARTS = 3
# Few pictures and steps: the network behind them has random weights.
SMALL = {"class=0..11": "class=0,1", "seed=0..4166": "seed=0..2"}
STEPS = ["steps=2", "layout_steps=2"]


def run(command, folder, program, **variables):
    """Runs a command as a scheduler does: with few variables, and the program on the path."""
    environment = {"PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/"), "NO_COLOR": "1", **variables}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"expected {command} to succeed, got exit code {done.returncode}: {done.stderr}"
    return done.stdout


def features(folder):
    """The files of features with their bytes."""
    return {path.name: path.read_bytes() for path in sorted((folder / "features").iterdir())}


def numbers(folder):
    """What the measuring job found."""
    lines = (folder / "measured/batch.jsonl").read_text().splitlines()
    [outputs] = [item["outputs"] for item in map(json.loads, lines[1:]) if item.get("status") == "done"]
    assert (folder / "report/report.html").is_file(), "expected a report, got none"
    return outputs


def slurm(folder, program):
    """An array job with a task for each part, then the job that depends on it."""
    variables = {"GRAPHS": str(PROJECT / "graphs"), "INCEPTION": str(INCEPTION), "CLASSES": "0,1", "SEEDS": "0..2", "OUT": "slurm"}
    part = [PROJECT / "examples/slurm/part.sh", *STEPS]
    for task in range(1, PARTS + 1):
        run(part, folder, program, SLURM_ARRAY_TASK_ID=str(task), SLURM_ARRAY_TASK_COUNT=str(PARTS), **variables)
    # A task that is put back into the queue finds that nothing is missing.
    run(part, folder, program, SLURM_ARRAY_TASK_ID="2", SLURM_ARRAY_TASK_COUNT=str(PARTS), **variables)
    measure = [PROJECT / "examples/slurm/measure.sh", "splits=1", "neighbours=1"]
    run(measure, folder, program, REFERENCE="originals/features", **variables)
    return folder / "slurm"


def container(name):
    """The Job of a manifest, and its only container."""
    [job] = yaml.safe_load_all((PROJECT / "examples/kubernetes" / name).read_text())
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job"), f"{name}: expected a Job, got {job['kind']}"
    [container] = job["spec"]["template"]["spec"]["containers"]
    return job["spec"], container


def kubernetes(folder, program):
    """A pod for each index, then the Job that measures."""
    spec, part = container("table-2.yaml")
    variables = {variable["name"]: variable["value"] for variable in part["env"]}
    assert spec["completionMode"] == "Indexed" and int(variables["PARTS"]) == spec["completions"] == spec["parallelism"]
    variables |= {"PARTS": str(PARTS), "GRAPHS": str(PROJECT / "graphs")}
    shell, options, script = part["command"]
    for long, short in {**SMALL, "pt_inception-2015-12-05-6726825d.pth": f"{INCEPTION} {' '.join(STEPS)}"}.items():
        assert script.count(long) == 1, f"expected `{long}` once in table-2.yaml, got {script}"
        script = script.replace(long, short)
    for index in range(PARTS):
        run([shell, options, script], folder, program, JOB_COMPLETION_INDEX=str(index), **variables)
    _, measure = container("measure.yaml")
    shell, options, script = measure["command"]
    script = script.replace("reference=", "splits=1 neighbours=1 reference=")
    run([shell, options, script], folder, program, GRAPHS=variables["GRAPHS"])
    return folder / "table-2"


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="clusters-"))
    graph, inception = PROJECT / "graphs/table-2.json", f"inception={INCEPTION}"
    photos = f"image={PROJECT}/graphs/*.png"
    run([program, "batch", PROJECT / "graphs/features.json", photos, inception, "--out", "originals"], folder, program)
    run([program, "batch", graph, "class=0,1", "seed=0..2", inception, *STEPS, "--out", "whole"], folder, program)
    whole = features(folder / "whole")
    assert len(whole) == 6, f"expected 6 files of features, got {sorted(whole)}"
    found = [scheduler(folder, program) for scheduler in (slurm, kubernetes)]
    for parts in found:
        assert features(parts) == whole, f"expected the features of a run as a whole in {parts}, got others"
    a, b = map(numbers, found)
    assert a["fid"] == b["fid"] and a["fid"] > 0, f"expected equal numbers of both clusters, got {a} and {b}"
    print(f"2 passed, 0 failed: {PARTS} parts each by Slurm's and Kubernetes' commands, FID {a['fid']:.4f}")


if __name__ == "__main__":
    main()
