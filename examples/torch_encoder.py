"""Two stages of a tokenizer in PyTorch, in the place of `gpstoken.Encode` and `gpstoken.RefineTokens`: a network in the authors' own layout,
with their names as keys of the checkpoint, as it comes out of a training. Put your own network there.

    splatgraph packs add examples/torch_encoder.py --python .venv-torch/bin/python
    splatgraph run graphs/reconstruct.json --swap encode=torch_encoder.Encode --set encode.model=nodes/gpstoken/models/small.safetensors \\
        --swap refine=torch_encoder.RefineTokens --set refine.model=nodes/gpstoken/models/small.safetensors

Each stage may also be swapped alone. The features and tokens are those of the stages that they replace, up to the rounding of float32:
within 1e-4 of their largest number. Needs numpy, safetensors and PyTorch, 1.13 or later.

B is the number of pictures, N of tokens in a picture, C of channels of the features.
"""

import json
import math
import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
from safetensors import safe_open
from splatgraph import Ctx, Features, Image, Layout, Model, Tokens, node
from torch import Tensor, nn

TILE = 256
"""The side of the pictures that the network knows."""
HEADS = 8


class Residual(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.norm1, self.norm2 = (nn.GroupNorm(math.gcd(32, channels), channels, eps=1e-6) for _ in range(2))
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:  # [B, C, H, W]
        h = self.conv1(F.silu(self.norm1(x)))
        return x + self.conv2(F.silu(self.norm2(h)))


class TokenBlock(nn.Module):
    def __init__(self, width: int, places: int):
        super().__init__()
        self.roimlp = nn.Linear(places, 1)
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn1 = nn.MultiheadAttention(width, HEADS, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, regions: Tensor) -> Tensor:  # [B, N, width], [B, N, width, places]
        x = x + self.roimlp(regions)[..., 0]
        normal = self.ln1(x)
        x = x + self.attn1(normal, normal, normal, need_weights=False)[0]
        return x + self.mlp(self.ln2(x))


class Encoder(nn.Module):
    """The tokenizer without its decoder. The names of its parts are the keys of the checkpoint, and shapes give all sizes."""

    def __init__(self, weights: dict[str, Tensor], facts: dict[str, str]):
        super().__init__()
        channels = weights["preprocess_img.0.weight"].shape[0]
        textures, width = weights["to_gps.1.weight"].shape
        places = weights["attnblocks.0.roimlp.weight"].shape[1]
        depth = len({key.split(".")[1] for key in weights if key.startswith("attnblocks.")})
        self.bins = math.isqrt(places)
        self.canvas = {"map": json.loads(facts.get("map", "[64, 64]")), "support": float(facts.get("support", 3))}
        self.preprocess_img = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1), Residual(channels), Residual(channels))
        self.roialign_layer = nn.Conv2d(channels, width, 1)
        self.gps_embed = nn.Embedding(1, width)
        self.gps_embed_layer = nn.Sequential(nn.Linear(5, width), nn.GELU(), nn.Linear(width, width))
        self.attnblocks = nn.ModuleList(TokenBlock(width, places) for _ in range(depth))
        self.to_gps = nn.ModuleList([nn.Linear(width, 5), nn.Linear(width, textures)])
        # The file also has the decoder, and the official ones have layers that nothing uses.
        missing, _ = self.load_state_dict(weights, strict=False)
        if missing:
            raise ValueError(f"expected the weights of a tokenizer, got a checkpoint without {', '.join(missing)}")

    def tokens(self, features: Tensor, gaussians: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Gaussians [B, N, 5] and textures [B, N, T], of features [B, C, H, W], gaussians and boxes [B, N, 4] in pixels."""
        places = torch.stack([roi_align(*picture, self.bins) for picture in zip(features, boxes)])  # [B, N, C, bins, bins]
        batch, count = places.shape[:2]
        regions = self.roialign_layer(places.flatten(0, 1)).reshape(batch, count, -1, self.bins**2)
        x = self.gps_embed.weight + self.gps_embed_layer(gaussians)
        for block in self.attnblocks:
            x = block(x, regions)
        moves = self.to_gps[0](x)
        # Sigmas stay between 0 and 1, the others between -1 and 1.
        sigmas = torch.sigmoid(torch.logit(gaussians[..., :2]) + moves[..., :2])
        others = 2 * torch.sigmoid(torch.logit((1 + gaussians[..., 2:]) / 2) + moves[..., 2:]) - 1
        return torch.cat([sigmas, others], 2), self.to_gps[1](x)


def roi_align(features: Tensor, boxes: Tensor, bins: int) -> Tensor:
    """The features [C, H, W] in boxes [N, 4], as [N, C, bins, bins]: the mean of as many samples in a bin as it has pixels along each
    axis. Boxes are shifted by half a pixel, as `aligned` of torchvision's function of this name does."""
    (x0, y0, x1, y1), (height, width) = boxes.unbind(1), features.shape[1:]
    return torch.einsum("nip,cpq,njq->ncij", bin_weights(y0, y1, height, bins), features, bin_weights(x0, x1, width, bins))


def bin_weights(start: Tensor, end: Tensor, side: int, bins: int) -> Tensor:
    """The weights of the pixels of an axis for each bin of the boxes from `start` to `end`, [N, bins, side]."""
    step = ((end - start) / bins)[:, None, None]
    samples = step.ceil().clamp(min=0)
    bin, sample = torch.arange(bins)[:, None], torch.arange(max(1, int(samples.max())))
    at = start[:, None, None] - 0.5 + bin * step + (sample + 0.5) * step / samples
    counts = (sample < samples) & (at >= -1) & (at <= side)
    at = at.nan_to_num().clamp(0, side - 1)
    low = at.floor().long()
    weights = torch.zeros(len(start), bins, side)
    share = counts / samples.clamp(min=1)
    weights.scatter_add_(2, low, share * (1 - (at - low)))
    return weights.scatter_add_(2, (low + 1).clamp(max=side - 1), share * (at - low))


@lru_cache(maxsize=2)
def load(model: str, changed: int) -> Encoder:
    """Reads a checkpoint, once as long as the file does not change."""
    with safe_open(model, "pt") as file:
        weights = {key: file.get_tensor(key).float() for key in file.keys()}
        if "to_gps.1.weight" not in weights:
            raise ValueError(f"expected a checkpoint of a tokenizer, which has `to_gps`, got other weights in {model}")
        return Encoder(weights, file.metadata() or {}).eval()


def prepared(model: str, ctx: Ctx) -> Encoder:
    if threads := ctx.settings.get("threads"):
        torch.set_num_threads(threads)
    return load(model, os.stat(model).st_mtime_ns)


Checkpoint = Annotated[str, Model("safetensors"), "A checkpoint of a tokenizer with the authors' keys."]


@node
@torch.inference_mode()
def encode(image: Annotated[Image, "Pictures of 256 x 256 pixels."], model: Checkpoint, ctx: Ctx) -> Features:
    """Turns pictures into features."""
    if image.shape[1:3] != (TILE, TILE):
        raise ValueError(f"expected pictures of {TILE} x {TILE} pixels, got {image.shape[2]} x {image.shape[1]}; resize them first")
    pictures = torch.tensor(image).permute(0, 3, 1, 2) * 2 - 1
    encoder = prepared(model, ctx)
    features = []
    for index, picture in enumerate(pictures):
        ctx.step(index, len(pictures))
        features.append(encoder.preprocess_img(picture[None]))
    return torch.cat(features)


@node
@torch.inference_mode()
def refine_tokens(features: Features, layout: Layout, model: Checkpoint, ctx: Ctx) -> Tokens:
    """Turns a layout into tokens: moves the gaussians and gives each a texture, from the features in its region."""
    if layout.regions is None or features.shape[2:] != (TILE, TILE):
        raise ValueError(f"expected a layout with regions, and features of {TILE} x {TILE} pixels, got {features.shape} with {layout}")
    encoder = prepared(model, ctx)
    ctx.check()
    boxes = (TILE - 1) * (torch.tensor(layout.regions) + 1) / 2
    gaussians, textures = encoder.tokens(torch.tensor(features), torch.tensor(layout.gaussians), boxes)
    return Tokens(gaussians, textures, header={**layout.header, **encoder.canvas, "model": Path(model).stem})
