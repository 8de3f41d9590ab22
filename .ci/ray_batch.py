"""Runs examples/ray_batch.py on a cluster of two workers on this machine and kills one of them in the middle.

    python .ci/ray_batch.py target/release/splatgraph
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from ray.cluster_utils import Cluster

PHOTOS, PARTS = 1200, 4
PROJECT = pathlib.Path(__file__).parent.parent.resolve()


def items(journal):
    """The finished items of a journal."""
    lines = journal.read_text().splitlines(keepends=True) if journal.exists() else []
    parsed = [json.loads(line) for line in lines[1:] if line.endswith("\n")]
    # The other lines are about items that start.
    return [line for line in parsed if "status" in line]


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ray-batch-"))
    (folder / "photos").mkdir()
    for i in range(PHOTOS):
        (folder / "photos" / f"{i:04}.png").symlink_to(PROJECT / "graphs" / "chelsea.png")
    out = folder / "out"
    journals = [out / f"batch-{i}-of-{PARTS}.jsonl" for i in range(1, PARTS + 1)]

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    workers = [cluster.add_node(num_cpus=1) for _ in range(2)]
    cluster.wait_for_nodes()
    command = [sys.executable, PROJECT / "examples" / "ray_batch.py", "--parts", str(PARTS), "--splatgraph", program]
    command += [PROJECT / "graphs" / "thumbnail.json", f"image={folder}/photos/*.png", "--out", out]
    batch = subprocess.Popen(command, env={**os.environ, "RAY_ADDRESS": cluster.address}, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while sum(len(items(journal)) >= 10 for journal in journals) < 2:
        assert batch.poll() is None and time.monotonic() < deadline, "expected two parts at work within 120 s"
        time.sleep(0.05)
    cluster.remove_node(workers[0], allow_graceful=False)
    at_the_kill = {journal.name: len(items(journal)) for journal in journals}
    report, _ = batch.communicate(timeout=240)
    cluster.shutdown()

    print(report, "finished when a worker was killed:", at_the_kill)
    assert batch.returncode == 0, f"expected exit code 0, got {batch.returncode}"
    assert max(at_the_kill.values()) < PHOTOS // PARTS, "expected an unfinished part when the worker was killed, got only finished parts"
    names = [item["item"] for journal in journals for item in items(journal)]
    assert len(names) == len(set(names)) == PHOTOS, f"expected {PHOTOS} items once each, got {len(names)} items, {len(set(names))} of them different"
    assert all(item["status"] == "done" for journal in journals for item in items(journal))
    pictures = sorted(path.name for path in out.iterdir() if path.suffix != ".jsonl")
    assert pictures == [f"{i:04}-thumbnail.png" for i in range(PHOTOS)], f"expected {PHOTOS} pictures, got {len(pictures)} files"
    assert len(re.findall(r" [1-9]\d* before", report)) == 1, "expected exactly one part to resume from its journal"
    print(f"1 passed, 0 failed: {PHOTOS} photos, each once, with one of two workers killed")


if __name__ == "__main__":
    main()
