#!/usr/bin/env python3
"""Compares the forms that train faster with their plain forms: `check.py [LPIPS_WEIGHTS]`."""
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import torchvision

import crops
import regions
import train_tokenizer
from lpips import Lpips
from train_tokenizer import layers

import partition  # of benches/pytorch; importing train_tokenizer adds this folder to the path

GOLDENS = Path(__file__).parents[2] / "tests" / "goldens" / "images"
COUNTS = (64, 128)
# The reference's LPIPS of a picture and its copy in steps of 32.
STEPPED = {"astronaut_256": 0.19944, "chelsea_256": 0.33746}
worst = 0.0


def compare(name, difference, allowed):
    global worst
    worst = max(worst, difference / allowed)
    print(f"{name}: {difference:.1e} of {allowed:.0e}")


def main():
    torch.manual_seed(0)
    pictures = np.stack([np.asarray(crops.opened(GOLDENS, f"{name}.png")) for name in STEPPED])
    boxes = regions.cut(regions.grey(torch.from_numpy(pictures)), set(COUNTS))
    for picture, name in enumerate(STEPPED):
        values = (pictures[picture] / 127.5 - 1).astype(np.float32)
        plain = 0.299 * values[..., 0] + 0.587 * values[..., 1] + 0.114 * values[..., 2]
        for count in COUNTS:
            known = set(partition.partition(count, plain, weight=2.5))
            other = known ^ {tuple(box) for box in boxes[count][picture].tolist()}
            compare(f"regions of {name}, {count}", len(other), 1)

    boxes = torch.cat([boxes[128], torch.tensor([0, 255, 0, 255]).expand(2, 1, 4)], 1)
    pictures_of = torch.arange(2).repeat_interleave(boxes.shape[1])[:, None].float()
    features = torch.randn(2, 32, 256, 256)
    rows = torch.cat([pictures_of, regions.corners(boxes).reshape(-1, 4)], 1)
    known = torchvision.ops.roi_align(features, rows, (8, 8), 1.0, -1, True)
    sampled = regions.sample(features, boxes, 8).flatten(0, 1).transpose(1, 2).reshape(known.shape)
    compare("RoIAlign", (sampled - known).abs().max().item(), 1e-5)

    network = train_tokenizer.Tokenizer(**train_tokenizer.SIZES)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    gaussians = regions.gaussians(boxes[:, :128])
    with torch.no_grad():
        ours = torch.cat(network.refine(features, gaussians, boxes[:, :128]), -1)
        plain = layers.Tokenizer.refine(network, features, gaussians, regions.corners(boxes[:, :128]))
        compare("tokens", (ours - plain).abs().max().item(), 1e-5)
        enlarge, x = layers.Upsample(6), torch.randn(2, 6, 8, 5)
        compare("enlarging", (enlarge(x) - enlarge.conv(F.interpolate(x, scale_factor=2.0))).abs().max().item(), 1e-5)

    if len(sys.argv) > 1:
        lpips = Lpips(sys.argv[1])
        for picture, (name, known) in enumerate(STEPPED.items()):
            pixels = torch.from_numpy(pictures[picture]).permute(2, 0, 1)[None]
            stepped = (pixels // 32 * 32 + 16).float() / 127.5 - 1
            with torch.no_grad():
                compare(f"LPIPS of {name}", abs(lpips(stepped, pixels.float() / 127.5 - 1).item() - known), 1e-4)
    sys.exit(f"differs by {worst:.1f} times what is allowed" if worst >= 1 else 0)


if __name__ == "__main__":
    main()
