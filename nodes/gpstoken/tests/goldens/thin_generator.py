#!/usr/bin/env python3
"""Makes sit_sampling and sit_ode_smooth of this folder from the whole set: `thin_generator.py WHOLE_SET`.

A recorded batch has two pictures, then these two without a class. Only the first half is kept, because the second has no part in the
result. The steps of dopri5 depend on both halves, and both start from the same noise. All states of sde10 and dopri5 are kept, and no others.
"""
import json, os, struct, sys

ROWS_AT = {"noise": 1, "states": 1, "final": 0, "z": 0, "cond": 0}

def read(path):
    data = open(path, "rb").read()
    size, = struct.unpack("<Q", data[:8])
    return json.loads(data[8:8 + size]), data[8 + size:]

def first_half(shape, data, axis):
    rows = 2
    outer = 1
    for side in shape[:axis]:
        outer *= side
    block = len(data) // outer
    kept = b"".join(data[i * block:i * block + block * rows // shape[axis]] for i in range(outer))
    return shape[:axis] + [rows] + shape[axis + 1:], kept

def thin(source, target, wanted):
    header, data = read(source)
    out, body = {}, b""
    for key, about in header.items():
        if key == "__metadata__" or not wanted(key):
            continue
        start, end = about["data_offsets"]
        shape, values = about["shape"], data[start:end]
        name = key.split(".")[-1]
        if name in ROWS_AT:
            shape, values = first_half(shape, values, ROWS_AT[name])
        out[key] = {"dtype": about["dtype"], "shape": shape, "data_offsets": [len(body), len(body) + len(values)]}
        body += values
    head = json.dumps(out).encode()
    head += b" " * (-len(head) % 8)
    open(target, "wb").write(struct.pack("<Q", len(head)) + head + body)

whole, here = sys.argv[1], os.path.dirname(os.path.abspath(__file__))
for name in ("sit_sampling", "sit_ode_smooth"):
    thin(os.path.join(whole, name + ".safetensors"), os.path.join(here, name + ".safetensors"),
         lambda key: not key.endswith("states") or "sde10" in key or "dopri5" in key)
