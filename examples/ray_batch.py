#!/usr/bin/env python3
"""Runs a Splatgraph batch over a Ray cluster: each part is a task, and a lost node's part goes on elsewhere.

    python examples/ray_batch.py --parts 16 graphs/tokenize.json image='photos/*.jpg' --out shared/tokens

What follows the options is what `splatgraph batch` takes. The folder of --out has to be one that all nodes share: the
journals in it tell a part that is started again what was finished. RAY_ADDRESS names the cluster; without it Ray starts
one on this machine.
"""
import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys

import ray


def end_with_worker():
    """In the child, on Linux: the batch must not outlive its Ray worker, or the journal would stay locked."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


@ray.remote(num_cpus=1, max_retries=-1)  # For as long as nodes get lost. Items that fail are no reason to try again.
def run_part(command, folder, part):
    command = [*command, "--part", part, "--jobs", "1", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, preexec_fn=end_with_worker)
    return part, done.returncode, done.stdout, done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=8, help="more parts than nodes lose less when one goes")
    parser.add_argument("--splatgraph", default="splatgraph", help="the program, on every node")
    parser.add_argument("batch", nargs=argparse.REMAINDER, help="GRAPH NAME=VALUE... of `splatgraph batch`")
    given = parser.parse_args()
    ray.init(log_to_driver=False)
    command, folder = [given.splatgraph, "batch", *given.batch], os.getcwd()
    waiting = [run_part.remote(command, folder, f"{i}/{given.parts}") for i in range(1, given.parts + 1)]
    worst = 0
    while waiting:
        [finished], waiting = ray.wait(waiting)
        part, code, out, errors = ray.get(finished)
        worst = max(worst, code)
        report = json.loads(out) if out.strip() else {"items": 0, "done": 0, "earlier": 0, "failed": []}
        print("part {}: {items} items, {done} done now, {earlier} before".format(part, **report), flush=True)
        sys.stderr.write(errors)
    sys.exit(worst)


if __name__ == "__main__":
    main()
