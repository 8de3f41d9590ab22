#!/usr/bin/env python3
"""Pictures as one NumPy file, as ADM's evaluator takes them (`arr_0`, [pictures, height, width, 3], 8 bits). Needs numpy and Pillow.

    python npz_pictures.py pack generated samples.npz
    python npz_pictures.py unpack VIRTUAL_imagenet256_labeled.npz reference

`pack` takes the PNG files of a folder in the order of their names. `unpack` writes 000000.png, 000001.png, ... into a new folder, for
graphs/features.json. Both read and write one picture at a time.
"""
import pathlib
import sys
import zipfile

import numpy as np
from PIL import Image


def pack(folder, file):
    paths = sorted(pathlib.Path(folder).glob("*.png"))
    if not paths:
        sys.exit(f"expected a folder with PNG files, got none in {folder}")
    width, height = Image.open(paths[0]).size
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(paths), height, width, 3)}
    partial = pathlib.Path(f"{file}.partial")
    with zipfile.ZipFile(partial, "w") as archive, archive.open("arr_0.npy", "w", force_zip64=True) as out:
        np.lib.format.write_array_header_1_0(out, header)
        for path in paths:
            picture = np.asarray(Image.open(path).convert("RGB"))
            if picture.shape != (height, width, 3):
                partial.unlink()
                sys.exit(f"expected {width} x {height} pixels as in {paths[0]}, got {picture.shape[1]} x {picture.shape[0]} in {path}")
            out.write(picture.tobytes())
    partial.replace(file)
    print(f"{len(paths)} pictures of {width} x {height} pixels in {file}")


def unpack(file, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    with zipfile.ZipFile(file) as archive, archive.open("arr_0.npy") as source:
        version = np.lib.format.read_magic(source)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, turned, dtype = read(source)
        if len(shape) != 4 or shape[3] != 3 or dtype != np.uint8 or turned:
            sys.exit(f"expected pictures [N, H, W, 3] of 8 bits in arr_0, got {shape} of {dtype}")
        count, height, width, _ = shape
        for index in range(count):
            pixels = np.frombuffer(source.read(height * width * 3), np.uint8).reshape(height, width, 3)
            Image.fromarray(pixels).save(folder / f"{index:06}.png")
    print(f"{count} pictures of {width} x {height} pixels in {folder}")


if len(sys.argv) != 4 or sys.argv[1] not in ("pack", "unpack"):
    sys.exit(__doc__)
(pack if sys.argv[1] == "pack" else unpack)(*sys.argv[2:])
