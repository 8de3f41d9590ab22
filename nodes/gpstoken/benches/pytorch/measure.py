#!/usr/bin/env python3
"""Measures the layers in plain PyTorch, one JSON line for each run: median seconds of each stage, and peak memory in MiB.

measure.py check                                        compares these layers with the recorded runs of the authors' code
measure.py tokenizer --shape m128 --threads 2           stages of a reconstruction, random weights
measure.py generator --shape xl --batch 2               a step of the generator and a run of 50, random weights
measure.py splat --shape m128                           a dense splat and a tiled one (Triton)
measure.py card --device cuda --dtype f16               rates of the device: products, and copies of memory
measure.py weights --shape m128 --out m128.safetensors  random weights in the authors' key layout
measure.py run --shape m128 --weights m128.safetensors --photo in.png --out out.png
"""
import argparse
import json
import math
import os
import resource
import sys
import time
from pathlib import Path

import torch
import generator
import tokenizer
import work as counted

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
TILE, MAP = 256, 64


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["check", "tokenizer", "generator", "splat", "card", "weights", "run"])
    parser.add_argument("--shape", choices=[*tokenizer.SHAPES, *generator.SHAPES], default="m128")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=DTYPES, default="f32")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--size", type=int, default=TILE, help="side of the picture, of tiles of 256 pixels")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--backend", default="inductor", help="what compiles, for --compile: inductor, aot_eager or torch_tensorrt")
    parser.add_argument("--count", action="store_true", help="also counts operations, bytes and launches of the whole, without --compile")
    parser.add_argument("--steps", type=int, default=50, help="steps of a run of the generator")
    parser.add_argument("--out")
    parser.add_argument("--weights")
    parser.add_argument("--photo")
    return parser.parse_args()


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    with torch.no_grad():
        commands = {"check": check, "tokenizer": stages, "generator": step, "splat": splats, "card": card}
        {**commands, "weights": write, "run": reconstruct}[options.what](options)


def model(options):
    if options.shape in tokenizer.SHAPES:
        shape = tokenizer.SHAPES[options.shape]
        return tokenizer.Tokenizer(shape["textures"], **shape.get("sizes", {}))
    return generator.Generator(**generator.SHAPES[options.shape], tokens=options.tokens)


def prepared(options):
    network = model(options).eval().to(options.device, DTYPES[options.dtype])
    return network.to(memory_format=torch.channels_last) if options.channels_last else network


def waiting(options):
    """A function that waits for the device."""
    return torch.cuda.synchronize if options.device.startswith("cuda") else lambda: None


def compiled(work, options):
    return torch.compile(work, backend=options.backend) if options.compile else work


def timed(work, options):
    """The result of a run, and its seconds."""
    wait = waiting(options)
    wait()
    start = time.perf_counter()
    result = work()
    wait()
    return result, time.perf_counter() - start


def median_time(work, options):
    """The median seconds of several runs after a first run."""
    timed(work, options)
    times = sorted(timed(work, options)[1] for _ in range(options.repeat))
    return times[len(times) // 2]


def report(options, seconds, counts=None):
    if options.device.startswith("cuda"):
        peak = torch.cuda.max_memory_allocated() / 2**20
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = {key: getattr(options, key) for key in ("what", "shape", "device", "dtype", "threads", "channels_last")}
    rounded = {name: round(value, 6) for name, value in seconds.items()}
    print(json.dumps({**facts, "torch": torch.__version__, **rounded, **(counts or {}), "peak_mb": round(peak, 1)}))


def grid_layout(count, size):
    """An even partition, which takes as long as one by entropy: gaussians [1, N, 5] and boxes [1, N, 4] in pixels."""
    rows = 2 ** (int(math.log2(count)) // 2)
    columns = count // rows
    height, width = size // rows, size // columns
    gaussians, boxes = [], []
    for row in range(rows):
        for column in range(columns):
            x0, y0 = column * width, row * height
            boxes.append([x0, y0, x0 + width - 1, y0 + height - 1])
            gaussians.append(gaussian(*boxes[-1], size))
    return torch.tensor([gaussians]), torch.tensor([boxes]).float()


def gaussian(x0, y0, x1, y1, size):
    sigmas = [(x1 - x0) / size * 2 / 3, (y1 - y0) / size * 2 / 3]
    return [*sigmas, 0.0, (x0 + x1) / (size - 1) - 1, (y0 + y1) / (size - 1) - 1]


def stages(options):
    network = prepared(options)
    like = {"device": options.device, "dtype": DTYPES[options.dtype]}
    tiles = (options.size // TILE) ** 2 * options.batch
    shape = tokenizer.SHAPES[options.shape]
    side = shape.get("map", MAP)
    gaussians, boxes = (t.repeat(tiles, 1, 1).to(**like) for t in grid_layout(shape["tokens"], TILE))
    picture = torch.rand(tiles, 3, TILE, TILE, **like) * 2 - 1
    if options.channels_last:
        picture = picture.contiguous(memory_format=torch.channels_last)
    parts = (network.preprocess_img, network.refine, tokenizer.splat, network.decoder)
    encode, refine, splat, decode = (compiled(part, options) for part in parts)
    whole = lambda: decode(splat(refine(encode(picture), gaussians, boxes), side, side))
    _, first = timed(whole, options)
    features = encode(picture)
    tokens = refine(features, gaussians, boxes)
    splatted = splat(tokens, side, side)
    work = {
        "encode": lambda: encode(picture),
        "refine": lambda: refine(features, gaussians, boxes),
        "splat": lambda: splat(tokens, side, side),
        "decode": lambda: decode(splatted),
        "whole": whole,
    }
    seconds = {name: median_time(stage, options) for name, stage in work.items()}
    report(options, {"first": first, **seconds}, counted.counts(network, whole, options.device) if options.count else None)


def step(options):
    network = prepared(options)
    forward = compiled(network, options)
    like = {"device": options.device, "dtype": DTYPES[options.dtype]}
    channels = network.channels
    x = torch.randn(options.batch, channels, options.tokens, **like)
    layout = torch.randn(options.batch, options.tokens, 5, **like)
    label = torch.zeros(options.batch, dtype=torch.long, device=options.device)

    def one(x, time=0.5):
        return forward(x, torch.full((options.batch,), time, device=options.device), label, layout)

    def run():
        """Follows the velocities with Euler's method."""
        point = x
        for i in range(options.steps):
            point = point + one(point, i / options.steps) / options.steps
        return point

    _, first = timed(lambda: one(x), options)
    seconds = {"step": median_time(lambda: one(x), options), "run": median_time(run, options)}
    report(options, {"first": first, **seconds}, counted.counts(network, lambda: one(x), options.device) if options.count else None)


def splats(options):
    """A splat by a dense product and by tiles of pixels, each with the tokens that reach it."""
    import rasterise

    like = {"device": options.device, "dtype": DTYPES[options.dtype]}
    shape = tokenizer.SHAPES[options.shape]
    side, tiles = shape.get("map", MAP), (options.size // TILE) ** 2 * options.batch
    gaussians, _ = grid_layout(shape["tokens"], TILE)
    textures = torch.randn(1, shape["tokens"], shape["textures"])
    tokens = torch.cat([gaussians, textures], 2).repeat(tiles, 1, 1).to(**like)
    dense, tiled = tokenizer.splat(tokens, side, side), rasterise.splat(tokens, side, side)
    largest, difference = dense.abs().max().item(), (dense - tiled).abs().max().item()
    # A token whose border lies on a pixel may be in one form and not in the other: its weight there is exp(-4.5) at least.
    if difference > 0.02 * max(1.0, largest):
        sys.exit(f"expected the tiled splat to equal the dense one, got {difference:.2e} on values up to {largest:.1f}")
    work = {"dense": lambda: tokenizer.splat(tokens, side, side), "tiled": lambda: rasterise.splat(tokens, side, side)}
    report(options, {name: median_time(splat, options) for name, splat in work.items()})


def card(options):
    """Floating-point operations a second of a large product, and bytes a second of a copy."""
    like = {"device": options.device, "dtype": DTYPES[options.dtype]}
    side = options.size
    left, right = torch.randn(side, side, **like), torch.randn(side, side, **like)
    source = torch.ones(side * side * 8, device=options.device)
    target = torch.empty_like(source)
    rates = {
        "flop_per_s": 2 * side**3 / median_time(lambda: left @ right, options),
        "bytes_per_s": 2 * source.nbytes / median_time(lambda: target.copy_(source), options),
    }
    name = torch.cuda.get_device_name() if options.device.startswith("cuda") else "the processor"
    report(options, rates, {"name": name})


def write(options):
    from safetensors.torch import save_file

    state = model(options).state_dict()
    save_file({key: (v if v.abs().sum() else torch.randn_like(v) * 0.02).contiguous() for key, v in state.items()}, options.out)


def load(network, file):
    from safetensors.torch import load_file

    # Checkpoints also have temb_proj, which no layer reads.
    network.load_state_dict({key: v.float() for key, v in load_file(file).items() if "temb_proj" not in key})
    return network.eval()


def reconstruct(options):
    """A photo of 256 x 256 pixels to tokens and back, written as PNG."""
    import numpy as np
    from PIL import Image
    from partition import partition

    network = load(model(options), options.weights)
    pixels = np.array(Image.open(options.photo).convert("RGB"))
    picture = (pixels / 127.5 - 1).astype(np.float32)
    grey = 0.299 * picture[..., 0] + 0.587 * picture[..., 1] + 0.114 * picture[..., 2]
    regions = partition(tokenizer.SHAPES[options.shape]["tokens"], grey, weight=2.5)
    boxes = torch.tensor([[[x0, y0, x1, y1] for y0, y1, x0, x1 in regions]], dtype=torch.float32)
    gaussians = torch.tensor([[gaussian(*box.tolist(), len(pixels)) for box in boxes[0]]])
    features = network.preprocess_img(torch.from_numpy(picture).permute(2, 0, 1)[None])
    decoded = network.decoder(tokenizer.splat(network.refine(features, gaussians, boxes), MAP, MAP))
    pixels = ((decoded[0].clamp(-1, 1) + 1) * 127.5).permute(1, 2, 0).numpy().astype(np.uint8)
    Image.fromarray(pixels).save(options.out)


def check(_):
    """Compares with the recorded runs in the project, and if SPLATGRAPH_GOLDENS is set, with the larger runs in its folder."""
    import numpy as np
    from PIL import Image
    from safetensors.torch import load_file

    goldens = Path(__file__).parents[2] / "tests" / "goldens"
    larger = os.environ.get("SPLATGRAPH_GOLDENS")
    worst = 0.0

    def compare(name, ours, recorded, allowed):
        nonlocal worst
        difference = (ours - recorded).abs().max().item()
        worst = max(worst, difference / allowed)
        print(f"{name}: {difference:.1e} of {allowed:.0e}, values up to {recorded.abs().max().item():.1f}")

    def picture(name):
        pixels = np.array(Image.open(goldens / "images" / name).convert("RGB"))
        return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1

    def tokens_and_map(name, network, image, size, support):
        run = load_file(goldens / f"tok{name}_full.safetensors")
        boxes = (run["regions"] + 1) * 255 / 2
        tokens = network.refine(network.preprocess_img(picture(image)), run["init_codes"], boxes)
        compare(f"tokens {name}", tokens, run["gpstokens"], 6e-5)
        compare(f"map {name}", tokenizer.splat(tokens, *size, support), run["rendered"], 5e-4)
        return run

    small = load(tokenizer.Tokenizer(8, 128, 32, (1, 2), 1, 40, 3, 4), goldens / "weights_B.safetensors")
    run = tokens_and_map("B", small, "astronaut_256.png", (48, 64), 1.75)
    compare("picture B", small.decoder(run["rendered"]), run["decoded"], 9e-5)
    if larger is None:
        print("skipped: configuration A and the generators; SPLATGRAPH_GOLDENS names no folder")
    else:
        folder = Path(larger)
        network = load(tokenizer.Tokenizer(16, 128, 32, (1, 2, 4), 2, 64, 2), folder / "weights_A.safetensors")
        tokens_and_map("A", network, "chelsea_256.png", (MAP, MAP), 3.0)
        run = load_file(folder / "tokA_full.safetensors")
        compare("picture A", network.decoder(run["rendered"]), run["decoded"], 9e-5)
        run = load_file(folder / "sit_forward.safetensors")
        sizes = {"depth": 3, "width": 96, "heads": 6, "classes": 10, "tokens": 64}
        texture = load(generator.Generator(**sizes), folder / "weights_sit_cond.safetensors")
        compare("textures", texture(run["x"][..., 0], run["t"], run["y"], run["cond"]), run["out"][..., 0], 6e-6)
        layout = load(generator.Generator(**sizes, channels=5, condition=0), folder / "weights_sit_layout.safetensors")
        compare("layouts", layout(run["layout.x"][..., 0], run["t"], run["y"]), run["layout.out"][..., 0], 6e-6)
    sys.exit(f"differs by {worst:.1f} times what is allowed" if worst > 1 else 0)


if __name__ == "__main__":
    main()
