"""A second tokenizer, whose stages take the place of those of GPSToken in any graph that has them. Needs only numpy.

    splatgraph packs add examples/second_tokenizer.py
    splatgraph run graphs/evaluate.json --write second.json lpips=lpips_alex.safetensors --swap tokenizer=second_tokenizer.LoadTokenizer \\
        --swap encode=second_tokenizer.Encode --swap refine=second_tokenizer.RefineTokens --swap splat=second_tokenizer.Splat \\
        --swap decode=second_tokenizer.Decode

It is an autoencoder with random weights: a token is a square of the picture, seen through filters that are orthogonal to each other, and
the decoder adds the filters up again. With as many filters as a square has numbers nothing is lost. Put a network of your own into the
four functions; what goes between them may be any array.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from splatgraph import FeatureMap, Features, Image, Range, Tokens, node


@dataclass
class Tokenizer:
    """What the stages share."""

    filters: np.ndarray
    """float32 [channels, patch * patch * 3]: rows of length 1, orthogonal to each other."""
    patch: int


@node
def load_tokenizer(
    patch: Annotated[int, Range(1, 64), "The side in pixels of the square that becomes a token."] = 16,
    channels: Annotated[int, Range(1), "The numbers of a token, at most those of its square: 3 for each pixel."] = 192,
    seed: Annotated[int, Range(0), "The seed of the weights."] = 0,
) -> Tokenizer:
    """Makes an autoencoder with random weights."""
    size = patch * patch * 3
    if channels > size:
        raise ValueError(f"expected at most {size} channels for squares of {patch} x {patch} pixels, got {channels}")
    columns, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, channels)))
    return Tokenizer(columns.T.astype(np.float32), patch)


@node
def encode(tokenizer: Tokenizer, image: Annotated[Image, "Its sides are multiples of `patch`."]) -> Features:
    """Turns a picture [B, H, W, 3] into the numbers of its squares, [B, channels, rows, columns]."""
    patch = tokenizer.patch
    batch, height, width, _ = image.shape
    if height % patch or width % patch:
        raise ValueError(f"expected a picture whose sides are multiples of {patch}, got {width} x {height} pixels; resize it first")
    squares = (image - 0.5).reshape(batch, height // patch, patch, width // patch, patch, 3).transpose(0, 1, 3, 2, 4, 5)
    numbers = squares.reshape(*squares.shape[:3], -1) @ tokenizer.filters.T
    return numbers.transpose(0, 3, 1, 2)


@node
def refine_tokens(tokenizer: Tokenizer, features: Features) -> Tokens:
    """Turns the numbers of squares into tokens [B, rows * columns, channels], each with a gaussian in the place of its square."""
    batch, channels, rows, columns = features.shape
    y, x = np.meshgrid(*((np.arange(count) * 2 + 1) / count - 1 for count in (rows, columns)), indexing="ij")
    place = np.stack([np.full(x.shape, 1 / columns), np.full(x.shape, 1 / rows), np.zeros(x.shape), x, y], -1)
    gaussians = np.tile(place.reshape(1, -1, 5), (batch, 1, 1))
    textures = features.reshape(batch, channels, -1).transpose(0, 2, 1)
    canvas = [columns * tokenizer.patch, rows * tokenizer.patch]
    return Tokens(gaussians, textures, header={"canvas": canvas, "map": [columns, rows], "model": "second_tokenizer"})


@node
def splat(tokens: Tokens) -> FeatureMap:
    """Puts the numbers of tokens back where their squares were: a map [B, channels, rows, columns]."""
    columns, rows = tokens.header["map"]
    map = tokens.textures.transpose(0, 2, 1).reshape(len(tokens.textures), -1, rows, columns)
    return FeatureMap(map, tokens.header)


@node
def decode(tokenizer: Tokenizer, map: FeatureMap) -> Image:
    """Turns a map into a picture."""
    patch = tokenizer.patch
    squares = map.map.transpose(0, 2, 3, 1) @ tokenizer.filters
    batch, rows, columns, _ = squares.shape
    squares = squares.reshape(batch, rows, columns, patch, patch, 3).transpose(0, 1, 3, 2, 4, 5)
    return squares.reshape(batch, rows * patch, columns * patch, 3) + 0.5
