#!/usr/bin/env python3
"""Times a step of a training in PyTorch, with forward pass, gradients and optimiser, on random data of the right shapes. Prints a JSON line
for each way to run it.

step.py tokenizer --threads 2          the sizes of `small`, 4 pictures, as TrainTokenizer
step.py layout --threads 2             the sizes of TrainLayout, 32 samples
step.py texture --threads 2            the sizes of TrainTexture, 32 samples
step.py large --threads 2              a generator of textures with 12 blocks of width 384
step.py tokenizer --device cuda --pictures 64

`cargo bench --workspace --bench tokenizer_training` and `generator_training` time the same steps of the nodes.
"""
import argparse
import json
import resource
import sys
import time
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).parents[2] / "benches" / "pytorch"))
import generator  # noqa: E402
import measure  # noqa: E402
import tokenizer as layers  # noqa: E402
import regions  # noqa: E402
import train_tokenizer  # noqa: E402

WAYS = {"eager": (False, False), "channels_last": (True, False), "compiled": (True, True)}
GENERATORS = {
    "layout": {"channels": 5, "condition": 0, "depth": 3, "width": 128, "heads": 4},
    "texture": {"channels": 37, "condition": 5, "depth": 4, "width": 192, "heads": 6},
    "large": {"channels": 37, "condition": 5, "depth": 12, "width": 384, "heads": 6},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["tokenizer", *GENERATORS])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--pictures", type=int)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=[*WAYS])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_default_device(options.device)
    for way in options.ways:
        torch.manual_seed(0)
        network, loss, pictures = tokenizer(options, *WAYS[way]) if options.what == "tokenizer" else samples(options, WAYS[way][1])
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0)

        def step():
            optimizer.zero_grad()
            loss().backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()

        times = []
        for _ in range(options.steps + 2):
            start = time.perf_counter()
            step()
            if options.device != "cpu":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        seconds = sorted(times[2:])[options.steps // 2]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        facts = {"what": options.what, "way": way, "threads": options.threads, "torch": torch.__version__}
        print(json.dumps({**facts, "seconds": round(seconds, 3), "per_second": round(pictures / seconds, 3), "peak_mb": round(peak)}), flush=True)


def tokenizer(options, last, compiled):
    pictures = options.pictures or 4
    network = train_tokenizer.Tokenizer(**train_tokenizer.SIZES)
    bytes = torch.randint(256, (pictures, measure.TILE, measure.TILE, 3), dtype=torch.uint8)
    with torch.no_grad():
        boxes = regions.cut(regions.grey(bytes), {options.tokens})[options.tokens].long()
    gaussians = regions.gaussians(boxes)
    tiles = (bytes.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous()
    if last:
        network, tiles = network.to(memory_format=torch.channels_last), tiles.contiguous(memory_format=torch.channels_last)
    encode, splat, decode = network.preprocess_img, layers.splat, network.decoder
    if compiled:
        torch._inductor.config.force_layout_optimization = True
        encode, splat, decode = map(torch.compile, (encode, splat, decode))

    def loss():
        refined, textures = network.refine(encode(tiles), gaussians, boxes)
        map = splat(torch.cat([refined, textures], -1), train_tokenizer.MAP, train_tokenizer.MAP)
        difference = decode(map) - tiles
        steps = difference.diff(dim=3).abs().mean() + difference.diff(dim=2).abs().mean()
        return difference.abs().mean() + (difference**2).mean() + 0.5 * steps

    return network, loss, pictures


def samples(options, compiled):
    pictures = options.pictures or 32
    sizes = GENERATORS[options.what]
    network = generator.Generator(**sizes, classes=10, tokens=options.tokens)
    forward = torch.compile(network) if compiled else network
    points = torch.randn(pictures, sizes["channels"], options.tokens)
    times, classes = torch.rand(pictures), torch.randint(10, (pictures,))
    layout = torch.randn(pictures, options.tokens, 5) if sizes["condition"] else None
    return network, lambda: ((forward(points, times, classes, layout) - points) ** 2).mean(), pictures


if __name__ == "__main__":
    main()
