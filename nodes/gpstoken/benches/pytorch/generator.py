"""The layers of the SiT generators in plain PyTorch, under the names of the authors' checkpoints."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

SHAPES = {
    "xl": {"depth": 28, "width": 1152, "heads": 16},
    "s": {"depth": 12, "width": 384, "heads": 6},
    "tiny-sit": {"depth": 2, "width": 96, "heads": 6},
}


def modulate(x, shift, scale):
    return x * (1 + scale[:, None]) + shift[:, None]


def plain_norm(width):
    return nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):  # [B, N, width]
        batch, count, width = x.shape
        parts = self.qkv(x).reshape(batch, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).reshape(x.shape))


class Perceptron(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = plain_norm(width)
        self.norm2 = plain_norm(width)
        self.attn = Attention(width, heads)
        self.mlp = Perceptron(width)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x, condition):
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = self.adaLN_modulation(condition).chunk(6, 1)
        x = x + gate[:, None] * self.attn(modulate(self.norm1(x), shift, scale))
        return x + mlp_gate[:, None] * self.mlp(modulate(self.norm2(x), mlp_shift, mlp_scale))


class Embedder(nn.Module):
    """Holds a layer under its name in checkpoints."""

    def __init__(self, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)


class FinalLayer(nn.Module):
    def __init__(self, width, channels):
        super().__init__()
        self.norm = plain_norm(width)
        self.linear = nn.Linear(width, 2 * channels)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x, condition):
        shift, scale = self.adaLN_modulation(condition).chunk(2, 1)
        return self.linear(modulate(self.norm(x), shift, scale))


class Generator(nn.Module):
    def __init__(self, depth, width, heads, channels=21, condition=5, classes=1000, tokens=128):
        super().__init__()
        self.channels = channels
        self.x_embedder = Embedder(proj=nn.Conv2d(channels, width, 1))
        self.t_embedder = Embedder(mlp=nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width)))
        self.y_embedder = Embedder(embedding_table=nn.Embedding(classes + 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, width))
        if condition:
            self.cond_embedder = nn.Sequential(nn.Linear(condition, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.final_layer = FinalLayer(width, channels)

    def forward(self, x, time, label, layout=None):
        """x [B, C, N] at time [B] for label [B], with a layout [B, N, 5] or none, to [B, C, N]."""
        places = self.pos_embed if layout is None else self.cond_embedder(layout)
        hidden = self.x_embedder.proj(x[..., None])[..., 0].transpose(1, 2) + places
        rates = torch.exp(-math.log(10_000) * torch.arange(128, device=x.device) / 128)
        angles = time[:, None] * rates
        waves = torch.cat([angles.cos(), angles.sin()], 1).to(x.dtype)
        condition = self.t_embedder.mlp(waves) + self.y_embedder.embedding_table(label)
        for block in self.blocks:
            hidden = block(hidden, condition)
        return self.final_layer(hidden, condition)[..., : self.channels].transpose(1, 2)
