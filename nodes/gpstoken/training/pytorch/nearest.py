#!/usr/bin/env python3
"""Lays generated pictures beside the nearest tiles of the generator's training, to show copies.

    nearest.py generated/*.png --sources labelled/foods materials --classes fruits brick --output nearest.png

It cuts and mirrors tiles as train_generator.py does, with the same seed. The nearest tile has the smallest mean square difference at 32 x 32
pixels. Prints the number of tiles of each class, and the root of this difference (0..255).
"""
import argparse
import os
from pathlib import Path

import numpy as np
from PIL import Image

import crops
from train_generator import classes_of

SIDE = 32


def thumbnails(pictures):
    """[M, 32, 32, 3] of tiles [M, 256, 256, 3]."""
    return pictures.reshape(len(pictures), SIDE, 8, SIDE, 8, 3).mean((2, 4), dtype=np.float32)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--sources", nargs="+", required=True)
    parser.add_argument("--classes", nargs="*", help="only these")
    parser.add_argument("--samples", type=int, default=2000, help="tiles of each class")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="nearest.png")
    options = parser.parse_args()
    generated = np.stack([np.asarray(Image.open(path).convert("RGB").resize((crops.TILE, crops.TILE))) for path in options.pictures])
    wanted = thumbnails(generated)
    best = [(np.inf, None)] * len(generated)
    for kind, pictures in classes_of(options).items():
        tiles = crops.pool(crops.shared(pictures, options.samples), options.seed, os.cpu_count())
        small = thumbnails(tiles)
        for mirrored in (False, True):
            known = small[:, :, ::-1] if mirrored else small
            for number, picture in enumerate(wanted):
                distances = ((known - picture) ** 2).mean((1, 2, 3))
                nearest = distances.argmin()
                if distances[nearest] < best[number][0]:
                    best[number] = distances[nearest], tiles[nearest][:, ::-1] if mirrored else tiles[nearest].copy()
        print(f"{kind}: {len(tiles)} tiles", flush=True)
    sheet = Image.new("RGB", (len(generated) * 132 - 4, 260), "white")
    for number, (picture, (distance, tile)) in enumerate(zip(generated, best)):
        print(f"{Path(options.pictures[number]).name}: {distance**0.5:.1f}")
        for row, pixels in enumerate((picture, tile)):
            sheet.paste(Image.fromarray(np.ascontiguousarray(pixels)).resize((128, 128)), (number * 132, row * 132))
    sheet.save(options.output)


if __name__ == "__main__":
    main()
