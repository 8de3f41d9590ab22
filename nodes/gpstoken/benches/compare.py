#!/usr/bin/env python3
"""Measures this project and plain PyTorch on the same machine in one run and prints their ratios as a table.

    nodes/gpstoken/benches/compare.py --python PYTHON [--rounds 3] [--threads 2] [--avx2] [tokenizer] [generator] [run]

PYTHON is a Python with torch, torchvision, safetensors, numpy and Pillow. See the README beside this file.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MEASURE = HERE / "pytorch" / "measure.py"
STAGES = {"Encode": "encode", "RefineTokens": "refine", "Splat": "splat", "Decode": "decode", "whole": "whole"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["tokenizer", "generator", "run", []], default=[])
    parser.add_argument("--python", required=True, help="a Python with torch")
    parser.add_argument("--rounds", type=int, default=3, help="how many turns both sides take")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--avx2", action="store_true", help="limits both sides to AVX2")
    parser.add_argument("--photo", type=Path, default=HERE.parent / "tests/goldens/images/chelsea_256.png")
    parser.add_argument("--json", action="store_true", help="also prints all measurements as JSON")
    return parser.parse_args()


class Sides:
    """Starts both sides with equal threads and an equal limit of instructions."""

    def __init__(self, options):
        self.python = options.python
        self.threads = options.threads
        self.environment = {**os.environ, "RAYON_NUM_THREADS": str(options.threads), "OMP_NUM_THREADS": str(options.threads)}
        if options.avx2:
            limits = {"SPLATGRAPH_CPU": "avx2", "ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
            self.environment.update(limits)

    def call(self, *command):
        """Output, seconds from start to end, and peak memory in MiB."""
        with tempfile.TemporaryFile("w+") as output:
            start = time.perf_counter()
            process = subprocess.Popen([str(word) for word in command], cwd=ROOT, env=self.environment, stdout=output)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                sys.exit(f"failed: {' '.join(map(str, command))}")
            output.seek(0)
            return output.read(), seconds, usage.ru_maxrss / 1024

    def bench(self, executable, *pick):
        return self.call(executable, "--bench", *pick)

    def torch(self, *words):
        output, _, _ = self.call(self.python, MEASURE, *words, "--threads", self.threads)
        return json.loads(output)


def executables():
    """Builds the benches and the program. Returns the paths of the benches by name."""
    command = ["cargo", "bench", "--workspace", "--benches", "--no-run", "--message-format", "json"]
    built = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    paths = {}
    for line in built.splitlines():
        message = json.loads(line)
        if message.get("executable") and "bench" in message.get("target", {}).get("kind", []):
            paths[message["target"]["name"]] = message["executable"]
    subprocess.run(["cargo", "build", "--release", "--workspace"], cwd=ROOT, check=True)
    return paths


def medians(rounds):
    """The median of each number over the rounds."""
    return {key: statistics.median(measured[key] for measured in rounds) for key in rounds[0]}


def tokenizer(sides, paths, rounds):
    """Milliseconds of each stage, and peak memory."""
    ours, plain, channels_last = [], [], []
    for _ in range(rounds):
        output, _, peak = sides.bench(paths["stages"], "stage")
        times = dict(re.findall(r"^stage (\w+) +median +([\d.]+) ms", output, re.MULTILINE))
        ours.append({**{name: float(times[name]) for name in STAGES}, "peak MiB": peak})
        for measured, words in ((plain, []), (channels_last, ["--channels-last"])):
            report = sides.torch("tokenizer", "--shape", "m128", *words)
            times = {name: report[key] * 1e3 for name, key in STAGES.items()}
            measured.append({**times, "peak MiB": report["peak_mb"]})
    return {"M128 at 256 px, ms": (medians(ours), medians(plain), medians(channels_last))}


def generator(sides, paths, rounds):
    """Milliseconds of a step of SiT-XL for two pictures of 128 tokens."""
    ours, plain = [], []
    for _ in range(rounds):
        output, _, _ = sides.bench(paths["generator"])
        ours.append({"step": float(re.search(r"28 blocks.* median +([\d.]+) ms", output)[1])})
        plain.append({"step": sides.torch("generator", "--shape", "xl", "--batch", 2)["step"] * 1e3})
    return {"SiT-XL, 2 x 128 tokens, ms": (medians(ours), medians(plain), None)}


def run(sides, photo, rounds):
    """Seconds from the start of a process to the written PNG, the weights in the page cache."""
    ours, plain = [], []
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "m128.safetensors"
        sides.call(sides.python, MEASURE, "weights", "--shape", "m128", "--out", weights)
        splatgraph = ["target/release/splatgraph", "run", "nodes/gpstoken/benches/photo.json", "--quiet", "--out", folder]
        splatgraph += ["--threads", sides.threads, f"image={photo}", f"model={weights}", "tokens=128"]
        torch = [sides.python, MEASURE, "run", "--shape", "m128", "--weights", weights, "--photo", photo]
        torch += ["--out", Path(folder) / "torch.png", "--threads", sides.threads]
        for round in range(rounds + 1):
            for measured, command in ((ours, splatgraph), (plain, torch)):
                _, seconds, peak = sides.call(*command)
                if round > 0:  # the first fills the page cache
                    measured.append({"start to PNG": seconds, "peak MiB": peak})
    return {"photo to PNG, s": (medians(ours), medians(plain), None)}


def table(results):
    print(f"\n{'':28}{'ours':>10}{'PyTorch':>10}{'ratio':>8}{'ch.-last':>10}{'ratio':>8}")
    for title, (ours, plain, channels_last) in results.items():
        print(title)
        for name, value in ours.items():
            line = f"  {name:26}{value:10.3f}{plain[name]:10.3f}{value / plain[name]:8.2f}"
            if channels_last:
                line += f"{channels_last[name]:10.3f}{value / channels_last[name]:8.2f}"
            print(line)


def main():
    options = arguments()
    what = options.what or ["tokenizer", "generator", "run"]
    paths = executables()
    sides = Sides(options)
    load = os.getloadavg()[0]
    print(f"{options.threads} threads, {'AVX2' if options.avx2 else 'all instructions'}, load before: {load:.1f}")
    if load > 0.5:
        print("Other programs are running, so these figures are worth little.")
    results = {}
    if "tokenizer" in what:
        results.update(tokenizer(sides, paths, options.rounds))
    if "generator" in what:
        results.update(generator(sides, paths, options.rounds))
    if "run" in what:
        results.update(run(sides, options.photo.resolve(), options.rounds))
    if options.json:
        print(json.dumps(results))
    table(results)


if __name__ == "__main__":
    main()
