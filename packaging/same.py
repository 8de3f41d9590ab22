#!/usr/bin/env python3
"""Compares what packaging/everyday wrote on two platforms: same.py FOLDER FOLDER

Pictures may differ by 1 of 255, layouts of tokens not at all, and the other numbers of tokens by 1e-4. Every picture of the first
folder has to be in the second one.
"""
import json
import pathlib
import struct
import sys

import numpy
from PIL import Image


def record(path):
    """The tensors of a .safetensors file."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header, data = json.loads(data[8 : 8 + length]), data[8 + length :]
    header.pop("__metadata__", None)
    kinds = {"F32": "<f4", "F16": "<f2", "U8": "u1", "I64": "<i8"}
    return {
        name: numpy.frombuffer(data[slice(*about["data_offsets"])], kinds[about["dtype"]]).reshape(about["shape"])
        for name, about in header.items()
    }


def difference(a, b):
    """The largest difference of two arrays of one shape."""
    if a.shape != b.shape:
        sys.exit(f"expected the shape {a.shape}, got {b.shape}")
    return float(numpy.abs(a.astype(float) - b.astype(float)).max(initial=0))


here, there = map(pathlib.Path, sys.argv[1:])
files = sorted(path.relative_to(here) for path in here.rglob("*") if path.suffix in (".png", ".safetensors"))
if not files:
    sys.exit(f"expected pictures in {here}, got none")
wrong = 0
for file in files:
    if not (there / file).is_file():
        print(f"{file}: missing")
        wrong += 1
    elif file.suffix == ".png":
        worst = difference(numpy.asarray(Image.open(here / file)), numpy.asarray(Image.open(there / file)))
        print(f"{file}: differs by {worst:.0f} of 255")
        wrong += worst > 1
    else:
        ours, theirs = record(here / file), record(there / file)
        for name, tensor in ours.items():
            worst = difference(tensor, theirs[name])
            print(f"{file}, {name}: differs by {worst:.1e}")
            wrong += worst > (0 if ".layout." in file.name else 1e-4)
if wrong:
    sys.exit(f"{wrong} of {len(files)} files differ")
print(f"{len(files)} files agree")
