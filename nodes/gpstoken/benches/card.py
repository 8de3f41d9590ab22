#!/usr/bin/env python3
"""Measures this project and PyTorch on one graphics card, in ten minutes, and prints a table.

    nodes/gpstoken/benches/card.py --python PYTHON [--device gpu] [--torch-device cuda] [--minutes 10] [--json card.json]
    nodes/gpstoken/benches/card.py --python PYTHON --device gpu:0 --torch-device cpu --quick

The first line is for a card. The second tries everything with small shapes on a software adapter. PYTHON is a Python with torch and the
other packages that the README beside this file names; without it, only the model inside the pack is measured, and no other side. The
program is target/release/splatgraph, from the full build, unless --program names another one.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MEASURE = HERE / "pytorch" / "measure.py"
STEP = HERE.parent / "training" / "pytorch" / "step.py"
PHOTO = HERE.parent / "tests/goldens/images/chelsea_256.png"
# Name, shape in pytorch/measure.py, side of the picture, tokens of a tile. The most important come first.
TOKENIZERS = [("M128", "m128", 256, 128), ("M128", "m128", 1024, 128), ("S64", "s64", 256, 64), ("L256", "l256", 256, 256), ("small", "small", 256, 128)]
GENERATOR = ("SiT-XL", "xl", 0)
QUICK_TOKENIZERS = [("tiny", "tiny", 256, 32), ("tiny", "tiny", 512, 32)]
QUICK_GENERATOR = ("tiny SiT", "tiny-sit", 6)
STAGES = ("encode", "refine", "splat", "decode")


class Skipped(Exception):
    """Why something is not measured."""


class Bench:
    """Runs processes until the time is over."""

    def __init__(self, options, folder):
        self.options, self.folder = options, Path(folder)
        self.end = time.monotonic() + 60 * options.minutes
        self.repeat = "1" if options.quick else "5"
        self.steps = 2 if options.quick else 50
        self.pictures = 1 if options.quick else 64

    def call(self, command, **more):
        left = self.end - time.monotonic()
        if left < 2:
            raise Skipped("no time left")
        command = [str(word) for word in command]
        print(f"[{left:4.0f} s left] {' '.join(command[:9])}", file=sys.stderr)
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=left, **more)
        except subprocess.TimeoutExpired:
            raise Skipped("no time left") from None
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise Skipped(lines[-1][:120])
        return done.stdout

    def torch(self, *words, **more):
        if self.options.python is None:
            raise Skipped("no --python")
        output = self.call([self.options.python, MEASURE, *words, "--repeat", self.repeat], **more)
        return json.loads(output.splitlines()[-1])

    def torch_step(self, *words):
        if self.options.python is None:
            raise Skipped("no --python")
        return json.loads(self.call([self.options.python, STEP, *words]).splitlines()[-1])

    def weights(self, shape):
        """A file with random weights, which is written once."""
        if self.options.python is None:
            raise Skipped("no --python to write weights with")
        path = self.folder / f"{shape}.safetensors"
        if not path.exists():
            self.call([self.options.python, MEASURE, "weights", "--shape", shape, "--out", path])
        return str(path)

    def ours(self, graph, precision, repeat=None, launches_to=None, plain=False):
        """What `splatgraph bench` measured, if `plain` without matrix units."""
        file = self.folder / "graph.json"
        file.write_text(json.dumps(graph))
        command = [self.options.program, "bench", file, "--json", "--device", self.options.device, "--precision", precision]
        where = self.folder
        if launches_to:
            # Cubecl reads this file from the working folder, and writes a line for each kernel that it launches.
            where = self.folder / "logged"
            where.mkdir(exist_ok=True)
            launches_to.unlink(missing_ok=True)
            (where / "cubecl.toml").write_text(f'[profiling]\nlogger = {{ level = "minimal", file = "{launches_to}" }}\n')
        environment = {**os.environ, "SPLATGRAPH_GPU": "plain"} if plain else os.environ
        return json.loads(self.call([*command, "--repeat", repeat or self.repeat], cwd=where, env=environment))

    def launches(self, graph, precision):
        """How many kernels a run launches after the first: the difference between two and three runs."""
        log = self.folder / "launches.log"
        counts = []
        for repeat in ("1", "2"):
            self.ours(graph, precision, repeat, log)
            if not log.exists():
                raise Skipped(f"cubecl wrote no log, as it launched nothing on {self.options.device}")
            counts.append(sum(line.startswith("Executing") for line in log.read_text().splitlines()))
        return counts[1] - counts[0]


def node(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs}


def photo(size):
    return {"load": node("std.LoadImage", path=str(PHOTO)), "resized": node("std.Resize", image=["load", "image"], width=size, height=size)}


def tokenizer_graph(model, size, tokens):
    tiles = "merged" if size == 256 else "separate"
    tokenizer = ["tokenizer", "tokenizer"]
    nodes = {
        **photo(size),
        "tokenizer": node("gpstoken.LoadTokenizer", model=model),
        "encode": node("gpstoken.Encode", tokenizer=tokenizer, image=["resized", "image"]),
        "init": node("gpstoken.InitTokens", image=["resized", "image"], tokens=tokens),
        "refine": node("gpstoken.RefineTokens", tokenizer=tokenizer, features=["encode", "features"], layout=["init", "layout"]),
        "splat": node("gpstoken.Splat", tokens=["refine", "tokens"], tokenizer=tokenizer, tiles=tiles),
        "decode": node("gpstoken.Decode", tokenizer=tokenizer, map=["splat", "map"], tiles=tiles),
        "save": node("std.SaveImage", image=["decode", "image"], path="card.png"),
    }
    return {"version": 1, "nodes": nodes}


def generator_graph(model, heads, steps):
    """A run of the generator with guidance at every step, so each step computes two rows for a picture."""
    plain = {"__value__": {"means": [0.0] * 21, "stds": [1.0] * 21}}
    course = {"sampler": "euler", "steps": steps + 1, "guidance_scale": 1.5, "guidance_low": 0.0}
    nodes = {
        **photo(256),
        "layout": node("gpstoken.InitTokens", image=["resized", "image"], tokens=128),
        "generator": node("gpstoken.LoadGenerator", model=model, heads=heads, normalisation=plain),
        "sample": node("gpstoken.TextureDiffusion", generator=["generator", "generator"], layout=["layout", "layout"], **course),
        "save": node("std.SaveRecord", value=["sample", "tokens"], path="card.safetensors"),
    }
    return {"version": 1, "nodes": nodes}


def attempt(work):
    """The result, or the words for the table."""
    try:
        return work()
    except Skipped as why:
        return {"skipped": str(why)}


def ours(bench, make_graph, precision, stages, plain=False):
    """Seconds of the stages together, and launches."""
    if plain and (precision != "f16" or not bench.matrix_units):
        raise Skipped("it is what `ours` measures: no matrix units are in use")
    graph = make_graph()
    measured = bench.ours(graph, precision, plain=plain)
    medians = {part["id"]: part["median_ms"] / 1e3 for part in measured["nodes"]}
    result = {
        "seconds": sum(medians[stage] for stage in stages),
        "first": measured["first_ms"] / 1e3,
        "second": measured["whole"]["all_ms"][0] / 1e3,
        "stages": {stage: medians[stage] for stage in stages},
    }
    if not plain:
        result["launches"] = attempt(lambda: bench.launches(graph, precision))
    return result


def others(bench, words, precision, key):
    """The other side: eager, compiled, and TensorRT where it is installed."""
    words = [*words, "--device", bench.options.torch_device, "--dtype", precision]
    # Inductor compiles C++ for minutes on a processor.
    compiler = "aot_eager" if bench.options.quick else "inductor"
    sides = {"eager": ["--count"], "compiled": ["--compile", "--backend", compiler], "TensorRT": ["--compile", "--backend", "torch_tensorrt"]}
    found = {}
    for name, more in sides.items():
        if name == "TensorRT" and not bench.options.tensorrt:
            found[name] = {"skipped": "torch_tensorrt is not installed"}
            continue
        measured = attempt(lambda: bench.torch(*words, *more))
        found[name] = measured if "skipped" in measured else {**measured, "seconds": measured[key]}
    return found


def tokenizers(bench, precision):
    rows = {}
    for name, shape, size, tokens in QUICK_TOKENIZERS if bench.options.quick else TOKENIZERS:
        model = (lambda: "small") if shape == "small" else (lambda: bench.weights(shape))
        graph = lambda: tokenizer_graph(model(), size, tokens)
        row = {"ours": attempt(lambda: ours(bench, graph, precision, STAGES))}
        row["plain"] = attempt(lambda: ours(bench, graph, precision, STAGES, plain=True))
        row.update(others(bench, ["tokenizer", "--shape", shape, "--size", size], precision, "whole"))
        rows[f"{name} {size} px"] = row
        words = ["splat", "--shape", shape, "--size", size, "--device", bench.options.torch_device, "--dtype", precision]
        interpreted = {} if bench.options.torch_device.startswith("cuda") else {"env": {**os.environ, "TRITON_INTERPRET": "1"}}
        row["rasteriser"] = attempt(lambda: bench.torch(*words, **interpreted))
    return rows


def generators(bench, precision):
    name, shape, heads = QUICK_GENERATOR if bench.options.quick else GENERATOR
    graph = lambda: generator_graph(bench.weights(shape), heads, bench.steps)
    run = {"ours": attempt(lambda: ours(bench, graph, precision, ["sample"]))}
    run["plain"] = attempt(lambda: ours(bench, graph, precision, ["sample"], plain=True))
    run.update(others(bench, ["generator", "--shape", shape, "--batch", 2, "--steps", bench.steps], precision, "run"))
    step = {}
    for side, measured in run.items():
        per_step = {"seconds": measured.get("step", measured.get("seconds", 0) / bench.steps)}
        if side == "ours" and isinstance(measured.get("launches"), int):
            per_step["launches"] = measured["launches"] // bench.steps
        step[side] = measured if "skipped" in measured else {**measured, **per_step}
    # Operations, bytes and launches are counted for a step.
    run["eager"] = {key: value * bench.steps if key in ("flop", "bytes", "launches") and value else value for key, value in run["eager"].items()}
    return {f"{name} step": step, f"{name} {bench.steps} steps": run}


def training_graph(bench, steps, name):
    """TrainTokenizer with the sizes of `small`, or the smallest ones, on crops of one photo."""
    data = bench.folder / "data"
    data.mkdir(exist_ok=True)
    shutil.copy(PHOTO, data)
    smallest = {"stem": 2, "width": 8, "blocks": 1, "bins": 2, "textures": 3, "levels": [2, 2, 2, 4, 4], "residuals": 1}
    inputs = {"data": str(data), "output": f"{name}.safetensors", "steps": steps, "pictures": bench.pictures, "save_minutes": 10000}
    sizes = {"sizes": {"__value__": smallest if bench.options.quick else {}}, "token_counts": {"__value__": [128]}}
    return {"version": 1, "nodes": {"train": node("gpstoken.TrainTokenizer", **inputs, **sizes)}}


def trained(bench, steps, name):
    """Seconds of a process that trains up to a step."""
    graph = bench.folder / "train.json"
    graph.write_text(json.dumps(training_graph(bench, steps, name)))
    start = time.monotonic()
    bench.call([bench.options.program, "run", graph, "--device", bench.options.device, "--out", bench.folder])
    return time.monotonic() - start


def our_training(bench):
    """Pictures a second, from two trainings of different lengths, and whether a training that continues has the bytes of one that does not stop."""
    few, many = (1, 3) if bench.options.quick else (5, 25)
    short = trained(bench, few, "continued")
    long = trained(bench, many, "whole")
    trained(bench, many, "continued")
    files = [(bench.folder / f"{name}.training.safetensors").read_bytes() for name in ("whole", "continued")]
    return {"per_second": bench.pictures * (many - few) / (long - short), "same_bytes": files[0] == files[1]}


def training(bench):
    """TrainTokenizer in f32 beside PyTorch: a step with its optimiser."""
    rows = {"ours": attempt(lambda: our_training(bench))}
    words = ["tokenizer", "--device", bench.options.torch_device, "--pictures", bench.pictures]
    for way in ("eager", "compiled")[: 1 if bench.options.quick else 2]:
        rows[way] = attempt(lambda: bench.torch_step(*words, "--ways", way))
    print(f"\ntraining of a tokenizer in f32, {bench.pictures} pictures a step, pictures a second")
    for side, measured in rows.items():
        same = {True: ", continued with the same bytes", False: ", continued with other bytes"}.get(measured.get("same_bytes"), "")
        print(f"{side}: {number(measured, 'per_second', 1, 1)}{same}{measured.get('skipped', '')}")
    return rows


def number(measured, key, scale, digits):
    """A figure for the table, or a dash for what was not measured."""
    value = measured.get(key)
    return f"{value * scale:.{digits}f}" if isinstance(value, (int, float)) else "-"


def milliseconds(measured, key="seconds"):
    return number(measured, key, 1e3, 2)


def share(measured, counted, seconds, rate):
    """Which part of the device's rate this project reaches, by what PyTorch counted."""
    return f"{measured[counted] / seconds / rate:.1%}" if seconds and rate and measured.get(counted) else "-"


def line(name, row, rates):
    mine, eager, compiled, tensorrt = (row[side] for side in ("ours", "eager", "compiled", "TensorRT"))
    seconds = mine.get("seconds")
    return [
        name,
        number(mine, "first", 1, 1),
        number(mine, "second", 1, 2),
        milliseconds(mine),
        milliseconds(row["plain"]),
        number(mine, "launches", 1, 0),
        milliseconds(eager),
        number(eager, "launches", 1, 0),
        number(compiled, "first", 1, 1),
        milliseconds(compiled),
        milliseconds(tensorrt),
        f"{compiled['seconds'] / seconds:.2f}" if seconds and "seconds" in compiled else "-",
        share(eager, "flop", seconds, rates.get("flop_per_s")),
        share(eager, "bytes", seconds, rates.get("bytes_per_s")),
    ]


def table(precision, rows, rates):
    print(f"\n{precision}: first and second run in s, others in ms")
    heads = ["", "first", "second", "ours", "plain", "launches", "eager", "launches", "first", "compiled", "TensorRT"]
    lines = [[*heads, "compiled / ours", "of product rate", "of bandwidth"], *(line(name, row, rates) for name, row in rows.items())]
    widths = [max(map(len, column)) for column in zip(*lines)]
    for name, *cells in lines:
        print("  ".join([name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells, widths[1:]))]))
    for name, row in rows.items():
        if "rasteriser" in row:
            splat = row["rasteriser"]
            mine = milliseconds(row["ours"].get("stages", {}), "splat")
            print(f"splat, {name}, ms: ours {mine}, dense {milliseconds(splat, 'dense')}, tiled in Triton {milliseconds(splat, 'tiled')}")
    for name, row in rows.items():
        parts = {**row, "launches": row["ours"].get("launches")}
        for side, measured in parts.items():
            if isinstance(measured, dict) and "skipped" in measured:
                print(f"skipped: {name}, {side}: {measured['skipped']}")


def facts(bench):
    devices = json.loads(bench.call([bench.options.program, "devices", "--json"]))["gpstoken"]
    for device in devices:
        print(f"{device['id']:15}{device.get('name') or device['unavailable'].partition('.')[0]}")
        if "facts" in device:
            print(f"{'':15}{json.dumps(device['facts'])}")
    ours = [device for device in devices if device["id"] in (bench.options.device, f"{bench.options.device}:0")]
    bench.matrix_units = any("used" in device.get("facts", {}).get("cooperative_matrices", {}) for device in ours)
    return devices


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help="a Python with torch")
    parser.add_argument("--program", type=Path, default=ROOT / "target/release/splatgraph")
    parser.add_argument("--device", default="gpu")
    parser.add_argument("--torch-device", default="cuda")
    parser.add_argument("--precisions", default="f16,f32", help="f16, f32 or both")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--quick", action="store_true", help="small shapes, each measured once")
    parser.add_argument("--json", type=Path, help="also writes everything that was measured into this file")
    options = parser.parse_args()
    options.program = options.program.resolve()
    if not options.program.exists():
        parser.error(f"expected a program, got {options.program}; build it with `cargo build --release`, or name one with --program")
    search = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch_tensorrt') is None)"
    options.tensorrt = options.python is not None and subprocess.run([options.python, "-c", search]).returncode == 0
    return options


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        found = {"devices": facts(bench)}
        for precision in options.precisions.split(","):
            side = 512 if options.quick else 8192
            words = ["card", "--size", side, "--device", options.torch_device, "--dtype", precision]
            rates = attempt(lambda: bench.torch(*words))
            print(f"\nrates in {precision}: {json.dumps(rates)}")
            rows = {**tokenizers(bench, precision), **generators(bench, precision)}
            found[precision] = {"rates": rates, "rows": rows}
            table(precision, rows, rates)
            if precision == "f32":
                found["training"] = training(bench)
            if options.json:
                options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
