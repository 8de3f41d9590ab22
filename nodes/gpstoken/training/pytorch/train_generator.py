#!/usr/bin/env python3
"""Trains a generator in PyTorch for some minutes on a graphics card, as TrainLayout and TrainTexture do.

    train_generator.py layout  labelled/foods materials --tokenizer small.safetensors --minutes 2 --output small-layout.safetensors
    train_generator.py texture labelled/foods materials --tokenizer small.safetensors --minutes 3 --output small-texture.safetensors

A source is a folder or a zip file with a folder for each class (the last folder of a picture's path). Objects on plain ground stay nearly
whole. Other pictures are cut into tiles at random.
"""
import argparse
import csv
import json
import math
import os
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import crops
import regions
import schedule
import train_tokenizer
from train_tokenizer import MAP

sys.path.append(str(Path(__file__).parents[2] / "benches" / "pytorch"))
import generator as layers  # noqa: E402

SIZES = {"layout": {"depth": 3, "width": 128, "heads": 4}, "texture": {"depth": 4, "width": 192, "heads": 6}}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["layout", "texture"])
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    parser.add_argument("--classes", nargs="*", help="only these")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--tokenizer-sizes", type=json.loads, default={})
    parser.add_argument("--output", required=True)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--samples", type=int, default=2000, help="tiles of each class")
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--pictures", type=int, default=256, help="pictures in a step")
    parser.add_argument("--sizes", type=json.loads, default={})
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--warm-up", type=int, default=200)
    parser.add_argument("--average", type=float, default=0.9995)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--class-dropout", type=float, default=0.1)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def classes_of(options):
    """Names of pictures by class, in alphabetical order."""
    found = {}
    for source in options.sources:
        for name in crops.listed(source):
            kind = Path(source, name).parent.name
            if not options.classes or kind in options.classes:
                found.setdefault(kind, []).append((source, name))
    return dict(sorted(found.items()))


def samples(options, classes):
    """Layouts [M, N, 5], tokens [M, N, C] and classes [M] of tiles of all classes."""
    jobs, labels = [], []
    for number, pictures in enumerate(classes.values()):
        jobs += crops.shared(pictures, options.samples)
        labels += [number] * options.samples
    tiles = torch.from_numpy(crops.pool(jobs, options.seed, os.cpu_count()))
    network = train_tokenizer.Tokenizer(**{**train_tokenizer.SIZES, **options.tokenizer_sizes})
    network.load_state_dict({key: value.float() for key, value in load_file(options.tokenizer).items()})
    network = network.eval().to(options.device)
    layouts, tokens = [], []
    for some in tiles.split(256):
        some = some.to(options.device)
        boxes = regions.cut(regions.grey(some), {options.tokens})[options.tokens]
        # Every second tile is mirrored.
        flip = torch.arange(len(some), device=options.device) % 2 == 1
        boxes = torch.where(flip[:, None, None], regions.mirrored(boxes), boxes)
        some = torch.where(flip[:, None, None, None], some.flip(2), some)
        layout = regions.gaussians(boxes)
        layouts.append(layout)
        if options.what == "texture":
            tiles_in = some.permute(0, 3, 1, 2).float() / 127.5 - 1
            tokens.append(torch.cat(network.refine(network.preprocess_img(tiles_in), layout, boxes), -1))
    layouts = torch.cat(layouts)
    labels = torch.tensor(labels, device=options.device)
    return (layouts, torch.cat(tokens), labels) if tokens else (in_order(layouts), None, labels)


def in_order(layouts):
    """Rows in the order of a quadtree's curve, so a row's place varies little from layout to layout."""
    pixels = ((layouts[..., 3:] + 1) / 2 * (regions.TILE - 1)).long()
    key = sum((pixels[..., axis] >> bit & 1) << (2 * bit + axis) for bit in range(8) for axis in range(2))
    return layouts.gather(1, key.argsort(dim=1, stable=True)[..., None].expand(-1, -1, 5))


def start(network):
    """The weights with which SiT begins: blocks change nothing and the velocity is 0. Waves encode places and the time."""
    for name, value in network.named_parameters():
        zero = name.endswith("bias") or "adaLN_modulation" in name or name.startswith("final_layer")
        if zero:
            torch.nn.init.zeros_(value)
        elif name == "pos_embed":
            half = value.shape[2] // 2
            angles = torch.arange(value.shape[1])[:, None] * torch.exp(-math.log(10_000) * torch.arange(half) / half)
            value.data.copy_(torch.cat([angles.cos(), angles.sin()], 1)[None])
        elif name.startswith(("t_embedder", "y_embedder")):
            torch.nn.init.normal_(value, std=0.02)
        else:
            torch.nn.init.xavier_uniform_(value.data.flatten(1))


def main():
    options = arguments()
    torch.manual_seed(options.seed)
    torch.set_float32_matmul_precision("high")
    cuda = options.device.startswith("cuda")
    begun = time.time()
    classes = classes_of(options)
    with torch.no_grad():
        layouts, tokens, labels = samples(options, classes)
    data = layouts if tokens is None else torch.cat([tokens[..., :5] - layouts, tokens[..., 5:]], -1)
    means, stds = data.flatten(0, 1).double().mean(0), data.flatten(0, 1).double().std(0, correction=0).clamp(min=1e-5)
    data = ((data - means.float()) / stds.float()).transpose(1, 2).contiguous()  # [M, C, N]
    about = ", ".join(f"{kind} {len(pictures)}" for kind, pictures in classes.items())
    print(f"{len(data)} samples after {time.time() - begun:.0f} s; pictures: {about}", flush=True)

    sizes = {**SIZES[options.what], **options.sizes}
    condition = 5 if options.what == "texture" else 0
    network = layers.Generator(**sizes, channels=data.shape[1], condition=condition, classes=len(classes), tokens=options.tokens)
    # Official checkpoints have a second half that is not used. Files of this project leave it out.
    network.final_layer.linear = torch.nn.Linear(sizes["width"], data.shape[1])
    start(network)
    network.to(options.device)
    forward = network if options.no_compile else torch.compile(network, dynamic=False)
    parameters = list(network.parameters())
    averages = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.AdamW(parameters, lr=0.0, betas=(0.9, 0.99), weight_decay=options.weight_decay, fused=cuda)
    begun = told = time.time()
    step, total, rows = 0, torch.zeros((), device=options.device), []
    count = options.pictures
    while (done := (time.time() - begun) / (options.minutes * 60)) < 1:
        rate = schedule.learning_rate(options.learning_rate, options.warm_up, step, done)
        for group in optimizer.param_groups:
            group["lr"] = rate
        numbers = torch.randint(len(data), (count,), device=options.device)
        noise = torch.randn(count, *data.shape[1:], device=options.device)
        t = (torch.arange(count, device=options.device) + torch.rand((), device=options.device)) / count
        label = torch.where(torch.rand(count, device=options.device) < options.class_dropout, len(classes), labels[numbers])
        clean, at = data[numbers], t[:, None, None]
        layout = layouts[numbers] if condition else None
        with torch.autocast("cuda" if cuda else "cpu", torch.bfloat16, enabled=cuda):
            velocity = forward(at * clean + (1 - at) * noise, t, label, layout)
        loss = ((velocity.float() - (clean - noise)) ** 2).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        torch._foreach_lerp_(averages, [p.detach() for p in parameters], 1 - schedule.kept(options.average, step))
        total += loss.detach()
        if time.time() - told > 10:
            steps = step - (rows[-1]["step"] if rows else 0)
            mean = total.item() / steps
            rows.append({"step": step, "seconds": round(time.time() - begun), "loss": mean, "speed": round(steps * count / (time.time() - told))})
            print(json.dumps(rows[-1]), flush=True)
            total.zero_()
            told = time.time()
    values = {name: average.half().contiguous().cpu() for (name, _), average in zip(network.named_parameters(), averages)}
    metadata = {
        "heads": str(sizes["heads"]),
        "classes": json.dumps(list(classes)),
        "normalisation": json.dumps({"means": means.tolist(), "stds": stds.tolist()}),
    }
    if condition:
        metadata["tokenizer"] = json.dumps({"map": [MAP, MAP], "support": 3.0, "model": Path(options.tokenizer).stem})
    save_file(values, options.output, metadata)
    with open(Path(options.output).with_suffix(".losses.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys() if rows else ["step"])
        writer.writeheader()
        writer.writerows(rows)
    print(f"{step} steps, {time.time() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
