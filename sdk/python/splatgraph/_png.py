"""Writes pictures as PNG, for notebooks."""

from __future__ import annotations

import struct
import zlib

import numpy as np


def png(pictures: np.ndarray) -> bytes:
    """Pictures, float [B, H, W, 3] in 0..1, side by side as one PNG file of 8 bits."""
    bytes_ = np.round(np.clip(np.nan_to_num(pictures), 0, 1) * 255).astype(np.uint8)
    row = np.concatenate(list(bytes_), axis=1)  # [H, B * W, 3]
    height, width = row.shape[:2]
    # Each row begins with 0, the filter that changes nothing.
    lines = np.concatenate([np.zeros((height, 1), np.uint8), row.reshape(height, -1)], axis=1)

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines.tobytes())) + chunk(b"IEND", b"")
