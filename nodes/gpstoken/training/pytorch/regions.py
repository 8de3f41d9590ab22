"""The partition by entropy, and RoIAlign on its regions, for many pictures at once on their device.

benches/pytorch/partition.py and torchvision.ops.roi_align are the plain forms, region by region.
"""
import functools

import torch

TILE, SIDE, BINS, SMALLEST, EXPONENT = 256, 64, 256, 8, 2.5
WIDTH_OF_BIN = 11 / 512


def places(first, last):
    """For each of 64 places along regions [M]: the pixels on both sides, and its position between them, [M, 64]."""
    length = (last - first + 1)[:, None]
    at = (torch.arange(SIDE, device=first.device) + 0.5) * (length / SIDE) - 0.5
    before = at.floor()
    share = torch.where((before < 0) | (before >= length - 1), 0.0, at - before)
    before = before.long().clamp(min=0).minimum(length - 1)
    after = (before + 1).minimum(length - 1)
    return first[:, None] + before, first[:, None] + after, share


def complexity(grey, pictures, boxes):
    """Pixels times entropy^2.5 of regions [M, 4] (first row, last row, first column, last column) of grey pictures [B, H, W], 0..1."""
    top, bottom, left, right = boxes.unbind(1)
    rows, next_rows, down = places(top, bottom)
    columns, next_columns, across = places(left, right)
    base = (pictures * TILE * TILE)[:, None, None]
    flat = grey.reshape(-1)

    def line(rows):
        begin = base + rows[:, :, None] * TILE
        one, other = flat[begin + columns[:, None, :]], flat[begin + next_columns[:, None, :]]
        return one + (other - one) * across[:, None, :]

    above = line(rows)
    small = above + (line(next_rows) - above) * down[:, :, None]  # [M, 64, 64]
    p = torch.nn.functional.pad(small[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    tall = p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]
    wide = p[:, :, :-2] + 2 * p[:, :, 1:-1] + p[:, :, 2:]
    strength = ((tall[:, :, 2:] - tall[:, :, :-2]) ** 2 + (wide[:, 2:] - wide[:, :-2]) ** 2).sqrt()
    index = (strength / WIDTH_OF_BIN).long().flatten(1)
    counts = torch.zeros(len(boxes), BINS + 1, device=grey.device)
    counts.scatter_add_(1, index.clamp(max=BINS), torch.ones_like(index, dtype=counts.dtype))
    counts = counts[:, :BINS]  # stronger edges are in no bin
    shares = counts / (counts.sum(1, keepdim=True) + 1e-5)
    entropy = -(shares * (shares + 1e-10).log2()).sum(1)
    return entropy.clamp(min=0) ** EXPONENT * (bottom - top + 1) * (right - left + 1)


def grey(tiles):
    """Tiles [B, 256, 256, 3] of bytes to [B, 256, 256], 0..1."""
    return (tiles.float() / 255) @ torch.tensor([0.299, 0.587, 0.114], device=tiles.device)


def cut(grey, token_counts):
    """Regions of grey pictures [B, 256, 256] in 0..1: for each number of tokens N, [B, N, 4] as above. A region is cut where the whole
    picture's most complex one is, so fewer regions are an earlier state of more."""
    batch, device = len(grey), grey.device
    most = max(token_counts)
    every = torch.arange(batch, device=device)
    boxes = torch.zeros(batch, most, 4, dtype=torch.long, device=device)
    boxes[:, 0] = torch.tensor([0, TILE - 1, 0, TILE - 1], device=device)
    values = torch.full((batch, most), -torch.inf, device=device)
    values[:, 0] = 1.0
    known = {1: boxes[:, :1].clone()} if 1 in token_counts else {}
    for count in range(1, most):
        place = values.argmax(1)
        top, bottom, left, right = boxes[every, place].unbind(1)
        rows, columns = bottom - top + 1, right - left + 1
        middle_x, middle_y = left + columns // 2, top + rows // 2
        parts = torch.stack(
            [
                torch.stack([top, bottom, left, middle_x - 1], 1),
                torch.stack([top, bottom, middle_x, right], 1),
                torch.stack([top, middle_y - 1, left, right], 1),
                torch.stack([middle_y, bottom, left, right], 1),
            ],
            1,
        )  # [B, 4, 4]: beside each other, then below each other
        value = complexity(grey, every.repeat_interleave(4), parts.reshape(-1, 4)).reshape(batch, 4)
        better = value[:, :2].amin(1) < value[:, 2:].amin(1)
        beside = torch.where(columns == rows, better, columns > rows)
        parts = torch.where(beside[:, None, None], parts[:, :2], parts[:, 2:])
        value = torch.where(beside[:, None], value[:, :2], value[:, 2:])
        sides = torch.maximum(parts[..., 1] - parts[..., 0], parts[..., 3] - parts[..., 2])
        value = value.masked_fill(sides <= SMALLEST, -torch.inf)
        boxes[every, place], values[every, place] = parts[:, 0], value[:, 0]
        boxes[:, count], values[:, count] = parts[:, 1], value[:, 1]
        if count + 1 in token_counts:
            known[count + 1] = boxes[:, : count + 1].clone()
    return known


def gaussians(boxes):
    """Gaussians [B, N, 5] of regions [B, N, 4] (paper, section 3.2, eq. 6)."""
    top, bottom, left, right = boxes.double().unbind(-1)
    sigma_x, sigma_y = ((last - first) / TILE * 2 / 3 for first, last in ((left, right), (top, bottom)))
    x, y = ((first + last) / (TILE - 1) - 1 for first, last in ((left, right), (top, bottom)))
    return torch.stack([sigma_x, sigma_y, torch.zeros_like(x), x, y], -1).float()


def corners(boxes):
    """[B, N, 4] in pixels as x0, y0, x1, y1."""
    return boxes[..., [2, 0, 3, 1]].float()


def mirrored(boxes):
    return torch.stack([boxes[..., 0], boxes[..., 1], TILE - 1 - boxes[..., 3], TILE - 1 - boxes[..., 2]], -1)


@functools.cache
def sampling(bins, device, dtype):
    """The weights of 256 pixels in RoIAlign's bins, [63 * bins, 256]. The sides of regions are repeated halves of a tile's side, so there are
    only 63 intervals along an axis. The interval of side 256 >> k at place i has the number 2^k - 1 + i."""
    pixels = torch.arange(TILE, dtype=torch.float64)
    rows = []
    for level in range(6):
        side = TILE >> level
        for place in range(1 << level):
            size, start = side - 1, place * side - 0.5
            samples = -(-size // bins)
            at = start + size / bins * (torch.arange(bins * samples) + 0.5) / samples
            weights = (1 - (at.clamp(0, TILE - 1)[:, None] - pixels).abs()).clamp(min=0)
            rows.append(weights.reshape(bins, samples, TILE).mean(1))
    return torch.cat(rows).to(device, dtype)


def sample(features, boxes, bins):
    """RoIAlign of features [B, C, 256, 256] at regions [B, N, 4], [B, N, bins * bins, C]. Two products compute all possible regions, and the
    given regions are picked from them. The products are much faster than torchvision's sums of single samples."""
    weights = sampling(bins, features.device, features.dtype)
    batch, channels = features.shape[:2]
    rows = weights @ features.permute(0, 2, 3, 1).reshape(batch, TILE, -1)  # [B, 504, 256 * C]
    both = weights @ rows.reshape(batch * len(weights), TILE, channels)  # [B * 504, 504, C]
    interval = lambda first, last: TILE // (last - first + 1) - 1 + first // (last - first + 1)
    top, bottom, left, right = boxes.unbind(-1)
    every = torch.arange(bins, device=boxes.device)
    row = interval(top, bottom)[..., None] * bins + every  # [B, N, bins]
    column = interval(left, right)[..., None] * bins + every
    index = (row[..., :, None] * len(weights) + column[..., None, :]).reshape(batch, -1, 1)
    picked = both.reshape(batch, -1, channels).gather(1, index.expand(-1, -1, channels))
    return picked.reshape(batch, boxes.shape[1], bins * bins, channels)
