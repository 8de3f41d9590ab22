#!/usr/bin/env python3
"""Reads a token file (.gpst) with nothing but Python: a decoder written from nodes/gpstoken/FORMAT.md.

    read_gpst.py tokens.gpst                       prints header and tokens as JSON
    read_gpst.py tokens.gpst tokens.safetensors    compares them with a record of these tokens (needs safetensors, numpy)
"""

import json
import math
import struct
import sys
import zlib


class Model:
    """Section 5: the adaptive model of one column."""

    def __init__(self, bits):
        self.low_bits = max(0, bits - 6)
        self.levels = 1 << (bits - self.low_bits)
        self.radius = max(1, self.levels // 16)
        self.weights = [1] * self.levels

    def begins(self):
        total, shared, below = sum(self.weights), 65536 - 16 * self.levels, 0
        for level in range(self.levels + 1):
            yield 16 * level + below * shared // total
            below += self.weights[level] if level < self.levels else 0

    def learn(self, level):
        for near in range(max(0, level - self.radius), min(self.levels - 1, level + self.radius) + 1):
            self.weights[near] += 2 * (self.radius + 1 - abs(near - level))
        if sum(self.weights) > 65536:
            self.weights = [(weight + 1) // 2 for weight in self.weights]


class Words:
    """Section 6: the entropy decoder."""

    def __init__(self, words):
        self.words, self.state = iter(words), 0
        while self.state < 1 << 32 and (word := next(self.words, None)) is not None:
            self.state = self.state << 32 | word

    def pop(self, begins):
        part = self.state % 65536
        symbol = max(i for i, begin in enumerate(begins[:-1]) if begin <= part)
        begin, end = begins[symbol], begins[symbol + 1]
        self.state = (self.state >> 16) * (end - begin) + part - begin
        if self.state < 1 << 32 and (word := next(self.words, None)) is not None:
            self.state = self.state << 32 | word
        return symbol

    def number(self, model):
        level = self.pop(list(model.begins()))
        model.learn(level)
        if model.low_bits:
            step = 65536 >> model.low_bits
            level = level << model.low_bits | self.pop([i * step for i in range((1 << model.low_bits) + 1)])
        return level


def read(data):
    if data[:4] != b"GPST" or data[4] != 1:
        raise ValueError("expected a token file of version 1, got another file or version")
    if zlib.crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
        raise ValueError("expected the checksum of the file's bytes, got another: the file is damaged")
    at, end = 6, len(data) - 4

    def take(form):
        nonlocal at
        at += struct.calcsize(form)
        return struct.unpack(form, data[at - struct.calcsize(form) : at])

    def whole():
        number = place = 0
        while True:
            (byte,) = take("<B")
            number |= (byte & 127) << place
            place += 7
            if byte < 128:
                return number

    flags, bits = data[5], dict(zip(("position", "size", "rho", "texture"), take("<4B")))
    batch, tokens, channels = whole(), whole(), whole()
    header = {"canvas": [whole(), whole()], "tile": whole(), "grid": [whole(), whole()]}
    if flags & 2:
        header["map"] = [whole(), whole()]
    if flags & 4:
        (header["support"],) = take("<f")
    if flags & 8:
        header["model"] = take(f"<{whole()}s")[0].decode()
    counts = [whole() for _ in range(batch)] if flags & 1 else [tokens] * batch
    columns = {"position": [3, 4], "size": [0, 1], "rho": [2], "texture": list(range(5, 5 + channels))}
    ranges = {group: take("<2f") for group in columns if bits[group]}
    rows = [picture * tokens + row for picture, used in enumerate(counts) for row in range(used)]
    table = [[0.0] * (5 + channels) for _ in range(batch * tokens)]
    for group in columns:
        for column in columns[group] if not bits[group] else []:
            for row in rows:
                (table[row][column],) = take("<f")
    words = Words(struct.unpack(f"<{(end - at) // 4}I", data[at:end]))
    for group in columns:
        for column in columns[group] if bits[group] else []:
            model, (low, high) = Model(bits[group]), ranges[group]
            for row in rows:
                number = low + (high - low) * (words.number(model) / (2 ** bits[group] - 1))
                number = math.exp(number) if group == "size" else number
                table[row][column] = struct.unpack("<f", struct.pack("<f", number))[0]
    return {"header": header, "bits": bits, "counts": counts, "shape": [batch, tokens, 5 + channels], "tokens": table}


def main():
    with open(sys.argv[1], "rb") as file:
        found = read(file.read())
    if len(sys.argv) < 3:
        print(json.dumps(found))
        return
    import numpy
    from safetensors.numpy import load_file

    record = load_file(sys.argv[2])
    expected = numpy.concatenate([record["gaussians"], record["textures"]], -1)
    apart = numpy.abs(numpy.array(found["tokens"], "f4").reshape(found["shape"]) - expected).max()
    print(f"{expected.size} numbers, largest difference {apart}")
    if apart > 1e-6:
        sys.exit("the two decoders differ")


main()
