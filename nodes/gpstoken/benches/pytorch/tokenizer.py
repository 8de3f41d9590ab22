"""The tokenizer's layers in plain PyTorch, under the names of the authors' checkpoints."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision

SHAPES = {
    "s64": {"textures": 16, "tokens": 64},
    "m128": {"textures": 16, "tokens": 128},
    "l256": {"textures": 32, "tokens": 256},
    # The model inside the pack, whose map of a tile has 32 x 32 places.
    "small": {
        "textures": 16, "tokens": 128, "map": 32,
        "sizes": {"stem": 16, "channels": 32, "multipliers": (1, 1, 2, 4), "blocks": 1, "width": 192, "depth": 6},
    },
    "tiny": {
        "textures": 16, "tokens": 32,
        "sizes": {"stem": 8, "channels": 8, "multipliers": (1, 1, 2), "blocks": 1, "width": 64, "depth": 2},
    },
}


def group_norm(channels):
    return nn.GroupNorm(math.gcd(32, channels), channels, eps=1e-6)


class Residual(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1 = group_norm(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = group_norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.nin_shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):  # [B, inputs, H, W] -> [B, outputs, H, W]
        hidden = self.conv1(F.silu(self.norm1(x)))
        hidden = self.conv2(F.silu(self.norm2(hidden)))
        shortcut = self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x
        return shortcut + hidden


class MapAttention(nn.Module):
    """One head over all places of a map."""

    def __init__(self, channels):
        super().__init__()
        self.norm = group_norm(channels)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x):  # [B, C, H, W]
        normalised = self.norm(x)
        query, key, value = (
            layer(normalised).flatten(2).transpose(1, 2)[:, None].contiguous() for layer in (self.q, self.k, self.v)
        )  # [B, 1, H * W, C]; the fast kernels need a place's numbers side by side
        mixed = F.scaled_dot_product_attention(query, key, value)[:, 0]
        return x + self.proj_out(mixed.transpose(1, 2).reshape(x.shape))


class Middle(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block_1 = Residual(channels, channels)
        self.attn_1 = MapAttention(channels)
        self.block_2 = Residual(channels, channels)

    def forward(self, x):
        return self.block_2(self.attn_1(self.block_1(x)))


class Upsample(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Level(nn.Module):
    def __init__(self, inputs, outputs, blocks, last):
        super().__init__()
        self.block = nn.ModuleList(Residual(inputs if i == 0 else outputs, outputs) for i in range(blocks))
        if not last:
            self.upsample = Upsample(outputs)

    def forward(self, x):
        for block in self.block:
            x = block(x)
        return self.upsample(x) if hasattr(self, "upsample") else x


class Decoder(nn.Module):
    def __init__(self, textures, channels, multipliers, blocks):
        super().__init__()
        widths = [channels * multiplier for multiplier in multipliers]
        self.conv_in = nn.Conv2d(textures, widths[-1], 3, padding=1)
        self.mid = Middle(widths[-1])
        inputs = [*widths[1:], widths[-1]]
        levels = (Level(inputs[i], widths[i], blocks + 1, last=i == 0) for i in range(len(widths)))
        self.up = nn.ModuleList(levels)
        self.norm_out = group_norm(widths[0])
        self.conv_out = nn.Conv2d(widths[0], 3, 3, padding=1)

    def forward(self, x):  # [B, textures, h, w] -> [B, 3, 4 h, 4 w] for three levels
        x = self.mid(self.conv_in(x))
        for level in reversed(self.up):
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(x)))


class TokenBlock(nn.Module):
    def __init__(self, width, samples):
        super().__init__()
        self.roimlp = nn.Linear(samples, 1)
        self.ln1 = nn.LayerNorm(width)
        self.attn1 = nn.MultiheadAttention(width, 8, batch_first=True)
        self.ln2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(0.0))

    def forward(self, x, regions):  # [B, N, width], [B * N, width, samples]
        x = x + self.roimlp(regions).reshape(x.shape)
        normalised = self.ln1(x)
        x = x + self.attn1(normalised, normalised, normalised, need_weights=False)[0]
        return x + self.mlp(self.ln2(x))


class Tokenizer(nn.Module):
    def __init__(self, textures=16, stem=128, channels=128, multipliers=(1, 2, 4), blocks=2, width=512, depth=30, bins=8):
        super().__init__()
        self.bins = bins
        self.decoder = Decoder(textures, channels, multipliers, blocks)
        self.preprocess_img = nn.Sequential(nn.Conv2d(3, stem, 3, padding=1), Residual(stem, stem), Residual(stem, stem))
        self.roialign_layer = nn.Conv2d(stem, width, 1)
        self.gps_embed = nn.Embedding(1, width)
        self.attnblocks = nn.ModuleList(TokenBlock(width, bins * bins) for _ in range(depth))
        self.gps_embed_layer = nn.Sequential(nn.Linear(5, width), nn.GELU(), nn.Linear(width, width))
        self.to_gps = nn.ModuleList([nn.Linear(width, 5), nn.Linear(width, textures)])

    def refine(self, features, gaussians, boxes):
        """[B, stem, H, W], [B, N, 5] and [B, N, 4] in pixels to tokens [B, N, 5 + textures]."""
        batch, count, _ = gaussians.shape
        pictures = torch.arange(batch, device=features.device).repeat_interleave(count)[:, None].to(features.dtype)
        boxes = torch.cat([pictures, boxes.reshape(-1, 4)], 1)
        sampled = torchvision.ops.roi_align(features, boxes, (self.bins, self.bins), 1.0, -1, True)
        regions = self.roialign_layer(sampled).flatten(2)
        x = self.gps_embed.weight[None] + self.gps_embed_layer(gaussians)
        for block in self.attnblocks:
            x = block(x, regions)
        change = self.to_gps[0](x)
        sigmas = torch.sigmoid(torch.logit(gaussians[..., :2]) + change[..., :2])
        others = 2 * torch.sigmoid(torch.logit((1 + gaussians[..., 2:]) / 2) + change[..., 2:]) - 1
        return torch.cat([sigmas, others, self.to_gps[1](x)], -1)


def splat(tokens, height, width, support=3.0):
    """Tokens [B, N, 5 + C] to a map [B, C, height, width], by a dense product."""
    like = {"device": tokens.device, "dtype": tokens.dtype}
    columns = torch.linspace(-1, 1, width, **like)
    rows = torch.linspace(-1, 1, height, **like)
    sigma_x, sigma_y, rho, x, y = (tokens[..., i, None, None] for i in range(5))
    dx = columns[None, None, None, :] - x
    dy = rows[None, None, :, None] - y
    form = (dx / sigma_x) ** 2 - 2 * rho * dx * dy / (sigma_x * sigma_y) + (dy / sigma_y) ** 2
    inside = (dx.abs() <= support * sigma_x) & (dy.abs() <= support * sigma_y)
    weights = torch.exp(-form / (2 * (1 - rho**2))) * inside  # [B, N, H, W]
    sums = weights.flatten(2).transpose(1, 2) @ tokens[..., 5:]
    return sums.transpose(1, 2).reshape(tokens.shape[0], -1, height, width)
