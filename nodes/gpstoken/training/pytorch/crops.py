"""Cuts tiles out of pictures at random, as TrainTokenizer does, many at once into shared memory."""
import io
import mmap
import multiprocessing
import random
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

TILE, WIDEST = 256, 8.0
ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".tga", ".bmp"}


def listed(source):
    """Names of the pictures in a folder or a zip file, sorted."""
    source = Path(source)
    names = zipfile.ZipFile(source).namelist() if source.is_file() else (str(p.relative_to(source)) for p in source.rglob("*"))
    return sorted(name for name in names if Path(name).suffix.lower() in ENDINGS)


def opened(source, name):
    source = Path(source)
    data = zipfile.ZipFile(source).read(name) if source.is_file() else (source / name).read_bytes()
    return Image.open(io.BytesIO(data)).convert("RGB")


def random_tile(picture, chance):
    """A quarter of the tiles are as wide as possible, three tenths have the picture's own pixels, and the others lie between."""
    short = min(picture.size)
    widest = min(max(short / TILE, 1.0), WIDEST)
    kind = chance.random()
    between = widest ** chance.random()
    scale = widest if kind < 0.25 else 1.0 if kind < 0.55 else between
    side = min(int(TILE * scale), short)
    x, y = chance.randint(0, picture.width - side), chance.randint(0, picture.height - side)
    box = (x, y, x + side, y + side)
    if side == TILE:
        return picture.crop(box)
    # Pillow averages when it shrinks.
    return picture.resize((TILE, TILE), Image.Resampling.BILINEAR, box)


def tile_of_class(picture, chance):
    """For an object on plain ground: nearly the whole object with that ground around it, moved and scaled a little. For others: a random tile."""
    pixels = np.asarray(picture).astype(int)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.median(border, axis=0)
    if (np.abs(border - ground).max(1) < 24).mean() < 0.7:
        return random_tile(picture, chance)
    scale = TILE / max(picture.size) * chance.uniform(0.9, 1.3)
    size = [max(round(side * scale), 1) for side in picture.size]
    tile = Image.new("RGB", (TILE, TILE), tuple(int(v) for v in ground))
    room = [TILE - side for side in size]
    at = [round(r / 2 + abs(r) / 2 * chance.uniform(-0.3, 0.3)) for r in room]
    tile.paste(picture.resize(size, Image.Resampling.BICUBIC), at)
    return tile


def shared(pictures, total):
    """Jobs for `total` tiles of a class's pictures (source, name), spread as evenly as possible."""
    shares = [total * (i + 1) // len(pictures) - total * i // len(pictures) for i in range(len(pictures))]
    return [(*picture, share, tile_of_class) for picture, share in zip(pictures, shares)]


def fill(job):
    source, name, first, count, cut, seed = job
    chance = random.Random(f"{seed} {name}")
    picture = opened(source, name)
    for place in range(first, first + count):
        POOL[place] = np.asarray(cut(picture, chance))


def pool(jobs, seed, workers):
    """Tiles uint8 [M, 256, 256, 3] of jobs (source, name, tiles, cut function), one after the other."""
    global POOL
    total = sum(count for _, _, count, _ in jobs)
    # Memory without a file, which forked workers share.
    POOL = np.frombuffer(mmap.mmap(-1, total * TILE * TILE * 3), np.uint8).reshape(total, TILE, TILE, 3)
    first, rows = 0, []
    for source, name, count, cut in jobs:
        rows.append((source, name, first, count, cut, seed))
        first += count
    with multiprocessing.get_context("fork").Pool(workers) as workers:
        for _ in workers.imap_unordered(fill, rows, 4):
            pass
    return POOL
