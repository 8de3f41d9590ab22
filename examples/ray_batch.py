#!/usr/bin/env python3
"""Runs a Splatgraph batch over a Ray cluster: each part is a task, and if a node is lost, another node resumes its part.

    python examples/ray_batch.py --parts 16 graphs/tokenize.json image='photos/*.jpg' --out shared/tokens

The arguments after the options go to `splatgraph batch`. All nodes have to share the folder of --out: its journals tell a
resumed part which items are finished. RAY_ADDRESS names the cluster; without it Ray starts a cluster on this machine.
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


@ray.remote(num_cpus=1, max_retries=-1)  # Retries lost nodes without limit. Failed items cause no retry.
def run_part(command, folder, part):
    command = [*command, "--part", part, "--jobs", "1", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, preexec_fn=end_with_worker)
    return part, done.returncode, done.stdout, done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=int, default=8, help="with more parts than nodes, a lost node loses less")
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
