"""The partition of a picture by entropy in plain NumPy, with regions in the authors' order."""
import numpy as np

SIDE = 64
BINS = 512
EDGES = np.linspace(-5.5, 5.5, BINS + 1)


def axis(length):
    """For each of 64 places: the pixels on both sides, and its position between them."""
    scale = length / SIDE
    place = ((np.arange(SIDE) + 0.5) * scale - 0.5).astype(np.float32)
    before = np.floor(place).astype(int)
    share = (place - before.astype(np.float32)).astype(np.float32)
    outside = (before < 0) | (before >= length - 1)
    share[outside] = 0
    before = before.clip(0, length - 1)
    return before, np.minimum(before + 1, length - 1), share


def between(first, second, share):
    """The difference is rounded to f32, the rest is one fused multiplication and addition."""
    return (first.astype(np.float64) + (second - first).astype(np.float64) * share).astype(np.float32)


def resize(picture):
    top, bottom, down = axis(picture.shape[0])
    left, right, across = axis(picture.shape[1])
    rows = between(picture[:, left], picture[:, right], across[None, :])
    return between(rows[top], rows[bottom], down[:, None])


def entropy(picture):
    """The entropy of the strengths of Sobel edges in the picture at 64 x 64."""
    small = resize(((picture + np.float32(1)) / np.float32(2)).astype(np.float32))
    p = np.pad(small, 1, mode="edge").astype(np.float64)
    across = (p[:-2, 2:] - p[:-2, :-2]) + 2 * (p[1:-1, 2:] - p[1:-1, :-2]) + (p[2:, 2:] - p[2:, :-2])
    down = (p[2:, :-2] - p[:-2, :-2]) + 2 * (p[2:, 1:-1] - p[:-2, 1:-1]) + (p[2:, 2:] - p[:-2, 2:])
    strength = np.sqrt(across * across + down * down).ravel()
    index = np.searchsorted(EDGES, strength, side="right") - 1
    index = np.where(strength == EDGES[-1], BINS - 1, index)
    counts = np.bincount(index[(index >= 0) & (index < BINS)], minlength=BINS).astype(np.float64)
    shares = counts / (counts.sum() + 1e-5)
    return float(-(shares * np.log2(shares + 1e-10)).sum())


def partition(count, picture, smallest=8, weight=1.0):
    """Regions (first row, last row, first column, last column) of a grey picture [H, W] in -1..1."""

    def value(top, bottom, left, right):
        region = picture[top : bottom + 1, left : right + 1]
        return entropy(region) ** weight * region.size

    height, width = picture.shape
    whole = (0, height - 1, 0, width - 1)
    regions = [(value(*whole), whole)]
    while len(regions) < count:
        regions.sort(key=lambda entry: -entry[0])
        for place, (_, (top, bottom, left, right)) in enumerate(regions):
            if bottom - top > smallest or right - left > smallest:
                break
        else:
            raise RuntimeError(f"expected at most {len(regions)} tokens for this picture, got more")
        regions.pop(place)
        rows, columns = bottom - top + 1, right - left + 1
        middle_x, middle_y = left + columns // 2, top + rows // 2
        beside = [(top, bottom, left, middle_x - 1), (top, bottom, middle_x, right)]
        below = [(top, middle_y - 1, left, right), (middle_y, bottom, left, right)]
        if columns == rows:
            parts = beside if min(value(*r) for r in beside) < min(value(*r) for r in below) else below
        else:
            parts = beside if columns > rows else below
        regions += [(value(*region), region) for region in parts]
    return [region for _, region in regions]
