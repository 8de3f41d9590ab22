"""A texture stage in PyTorch, in the place of `gpstoken.TextureDiffusion`. Copy it to put a generator of your own there.

    splatgraph packs add examples/torch_texture.py --python .venv-torch/bin/python
    splatgraph run graphs/generate.json --swap textures=torch_texture.LoadGenerator --swap texture=torch_texture.TextureDiffusion \\
        generator=nodes/gpstoken/models/small-texture.safetensors

It reads the same checkpoints (SiT with patches of one token, under the authors' keys), makes the same noise from a seed, and samples in
the same way as its sampler `sde`, so its pictures are the same. Needs numpy, safetensors and PyTorch, 1.13 or later.

B is the number of pictures, N of gaussians in a picture, C of numbers in a token: 5 of its gaussian, then those of its texture.
"""

import json
import math
from dataclasses import dataclass
from typing import Annotated, Callable, Optional, Union

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from splatgraph import Ctx, Layout, Model, Range, Tokens, node
from torch import Tensor, nn

FREQUENCIES = 256
"""Numbers that encode the time."""


# The network. The names of its parts are the keys of the checkpoint.

class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:  # [B, N, width]
        queries, keys, values = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # each [B, heads, N, D]
        weights = (queries @ keys.transpose(2, 3) / math.sqrt(queries.shape[3])).softmax(3)
        return self.proj((weights @ values).transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Normalises tokens [B, N, width]; scale and shift [B, 1, width] depend on time and class."""
    return F.layer_norm(x, x.shape[2:], eps=1e-6) * (1 + scale) + shift


class Block(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int):
        super().__init__()
        self.attn = Attention(width, heads)
        self.mlp = FeedForward(width, hidden)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:  # [B, N, width], [B, 1, width]
        shift, scale, gate, shift_2, scale_2, gate_2 = self.adaLN_modulation(condition).chunk(6, 2)
        x = x + gate * self.attn(modulated(x, shift, scale))
        return x + gate_2 * self.mlp(modulated(x, shift_2, scale_2))


class Last(nn.Module):
    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.linear = nn.Linear(width, outputs)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.linear(modulated(x, *self.adaLN_modulation(condition).chunk(2, 2)))


def embedding(inputs: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width))


class Network(nn.Module):
    """Maps tokens between noise (t = 0) and data (t = 1) to their velocities."""

    def __init__(self, weights: dict[str, Tensor], heads: int):
        """The sizes are those of the weights, except the number of heads, which shapes do not show."""
        super().__init__()
        rows, width = weights["y_embedder.embedding_table.weight"].shape
        self.channels = weights["x_embedder.proj.weight"].shape[1]
        self.no_class = rows - 1
        hidden = weights["blocks.0.mlp.fc1.weight"].shape[0]
        depth = len({key.split(".")[1] for key in weights if key.startswith("blocks.")})
        self.x_embedder = nn.ModuleDict({"proj": nn.Conv2d(self.channels, width, 1)})
        self.t_embedder = nn.ModuleDict({"mlp": embedding(FREQUENCIES, width)})
        self.y_embedder = nn.ModuleDict({"embedding_table": nn.Embedding(rows, width)})
        self.cond_embedder = embedding(5, width)
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(depth))
        self.final_layer = Last(width, weights["final_layer.linear.weight"].shape[0])
        self.load_state_dict(weights)

    def forward(self, x: Tensor, t: float, classes: Tensor, gaussians: Tensor) -> Tensor:
        """Velocities [B, C, N], of tokens [B, C, N] at the time t, for classes int64 [B] and the layout's gaussians [B, N, 5]."""
        half = FREQUENCIES // 2
        angles = t * torch.exp(-math.log(1e4) * torch.arange(half, device=x.device) / half)
        time = self.t_embedder["mlp"](torch.cat([angles.cos(), angles.sin()]))
        condition = (time + self.y_embedder["embedding_table"](classes))[:, None]
        tokens = self.x_embedder["proj"](x[..., None])[..., 0].transpose(1, 2) + self.cond_embedder(gaussians)
        for block in self.blocks:
            tokens = block(tokens, condition)
        # A network that learned variances gives them after the velocities.
        return self.final_layer(tokens, condition)[..., :self.channels].transpose(1, 2)


# The noise, as the README of the pack gpstoken describes it.

def random_words(seed: int, draw: int, count: int) -> np.ndarray:
    """The first `count` numbers, uint64, of the ChaCha8 stream whose key is the seed and whose nonce is the draw."""
    blocks = -(-count // 8)
    state = np.zeros((16, blocks), np.uint32)
    state[:4] = np.frombuffer(b"expand 32-byte k", "<u4")[:, None]
    state[4:6] = np.array([seed], "<u8").view("<u4")[:, None]
    state[12:14] = np.arange(blocks, dtype="<u8").view("<u4").reshape(blocks, 2).T
    state[14:16] = np.array([draw], "<u8").view("<u4")[:, None]
    a, b, c, d = start = list(state.reshape(4, 4, blocks))

    def mix(to: np.ndarray, other: np.ndarray, turned: np.ndarray, by: int) -> tuple[np.ndarray, np.ndarray]:
        to = to + other
        turned = turned ^ to
        return to, turned << np.uint32(by) | turned >> np.uint32(32 - by)

    for half_round in range(8):
        a, d = mix(a, b, d, 16)
        c, b = mix(c, d, b, 12)
        a, d = mix(a, b, d, 8)
        c, b = mix(c, d, b, 7)
        # A round on columns, then one on diagonals.
        turn = 1 if half_round % 2 == 0 else -1
        b, c, d = (np.roll(row, -turn * by, axis=0) for row, by in ((b, 1), (c, 2), (d, 3)))
    words = np.concatenate([now + before for now, before in zip((a, b, c, d), start)])  # [16, blocks]
    return np.ascontiguousarray(words.T).view("<u8").reshape(-1)[:count]


def normal(seed: int, draw: int, count: int) -> np.ndarray:
    """Normally distributed numbers, float32 [count] (Box and Muller)."""
    pairs = random_words(seed, draw, count + count % 2).reshape(-1, 2) >> np.uint64(11)
    radius = np.sqrt(-2 * np.log((pairs[:, 0] + 1.0) * 2.0**-53))
    angle = 2 * np.pi * (pairs[:, 1] * 2.0**-53)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).astype(np.float32).reshape(-1)[:count]


def sample(x: Tensor, points: int, velocity: Callable, draw: Callable, step: Callable) -> Tensor:
    """Follows the velocities from noise to data, and adds fresh noise in each step (Euler-Maruyama, with the diffusion SBDM). The last
    step, from t = 0.96 to 1, has no noise. `velocity` maps a state [B, C, N] and a time to velocities, `draw` gives noise."""
    times = torch.linspace(1e-3, 0.96, points)
    dt = times[1] - times[0]

    def drift(x: Tensor, t: Tensor) -> Tensor:
        v = velocity(x, t)
        return v + diffusion(t) * ((t * v - x) / ((1 - t) * (1 - t) + t * (1 - t)))

    def diffusion(t: Tensor) -> Tensor:
        return (1 - t) * (1 - t) / t + (1 - t)

    for index, t in enumerate(times[:-1]):
        x = x + drift(x, t) * dt + (2 * diffusion(t)).sqrt() * (draw(index + 1) * dt.sqrt())
        step(index + 1, points)
    x = x + drift(x, times[-1]) * 0.04
    step(points, points)
    return x


# The nodes. Their inputs and outputs have the names of those that they replace, so that `--swap` keeps them.

@dataclass
class Generator:
    """A generator of textures."""

    network: Network
    means: np.ndarray
    """float32 [C]: the network works on (value - mean) / std."""
    stds: np.ndarray
    classes: list[str]
    """Their names, if the checkpoint has them."""
    canvas: dict
    """Facts about the tokenizer that made the tokens of the training: map, support, model."""
    device: str


@node
def load_generator(
    model: Annotated[str, Model("safetensors"), "A checkpoint of a generator of textures."] = "small-texture.safetensors",
    normalisation: Annotated[Optional[dict], 'Scales of the data, {"means": [..], "stds": [..]}, if the checkpoint has none.'] = None,
    device: Annotated[str, "The device of PyTorch that computes, such as `cuda`."] = "cpu",
) -> Generator:
    """Loads a generator of textures (SiT)."""
    with safe_open(model, "pt") as file:
        facts = file.metadata() or {}
        weights = {key.removeprefix("ema_model."): file.get_tensor(key).float() for key in file.keys()}
    if "cond_embedder.0.weight" not in weights:
        raise ValueError(f"expected a generator of textures, which has `cond_embedder`, got other weights in {model}")
    # With a condition the network does not use its places.
    weights.pop("pos_embed", None)
    width = weights["cond_embedder.2.weight"].shape[0]
    heads = int(facts.get("heads", 16 if width in (1024, 1152) else width // 64))
    scales = normalisation or json.loads(facts.get("normalisation", "null"))
    if scales is None:
        raise ValueError(f"expected means and stds in the input `normalisation` or in the metadata of the checkpoint, got none: {model}")
    network = Network(weights, heads).eval().to(device)
    means, stds = (np.array(scales[name], np.float32) for name in ("means", "stds"))
    classes, canvas = json.loads(facts.get("classes", "[]")), json.loads(facts.get("tokenizer", "{}"))
    return Generator(network, means, stds, classes, canvas, device)


@node
def texture_diffusion(
    generator: Generator,
    layout: Annotated[Layout, "The gaussians to start from, for one tile of 256 x 256 pixels."],
    ctx: Ctx,
    class_: Annotated[Union[int, str], Range(0), "What the picture shows: the number or the name of a class."] = 0,
    classes: Annotated[Optional[list[Union[int, str]]], "A class for each picture. It replaces `class`."] = None,
    seed: Annotated[int, Range(0), "The seed of the noise. Picture i of the batch uses `seed` + i."] = 0,
    steps: Annotated[int, Range(2, 100000), "The number of points in time."] = 250,
    guidance_scale: Annotated[float, "How strongly guidance pushes the picture towards its class; 1 is no guidance."] = 1.5,
    guidance_low: Annotated[float, "The time at which guidance begins; the noise is at 0 and the picture at 1."] = 0.2,
    guidance_high: Annotated[float, "The time at which guidance ends."] = 1.0,
) -> Tokens:
    """Samples tokens for a layout and a class from noise: moves the gaussians a little and gives each a texture."""
    network, device = generator.network, generator.device
    if threads := ctx.settings.get("threads"):
        torch.set_num_threads(threads)
    pictures, count, _ = layout.gaussians.shape
    channels = network.channels
    numbers = [class_number(generator, name) for name in classes or [class_] * pictures]
    if len(numbers) != pictures:
        raise ValueError(f"expected a class for each of {pictures} pictures, got {len(numbers)}")
    gaussians = torch.tensor(layout.gaussians, device=device)
    with_class = torch.tensor(numbers, device=device)
    low, high = np.float32(guidance_low), np.float32(guidance_high)

    def draw(index: int) -> Tensor:
        """The noise [B, C, N] of a step; 0 is the start. A picture's noise does not depend on the others."""
        noise = [normal((seed + picture) % 2**64, index, channels * count) for picture in range(pictures)]
        return torch.from_numpy(np.stack(noise).reshape(pictures, channels, count)).to(device)

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        if guidance_scale == 1 or not low <= t.numpy() <= high:
            return network(x, float(t), with_class, gaussians)
        without = torch.full_like(with_class, network.no_class)
        both = network(x.repeat(2, 1, 1), float(t), torch.cat([with_class, without]), gaussians.repeat(2, 1, 1))
        of_class, of_none = both.chunk(2)
        return of_none + guidance_scale * (of_class - of_none)

    with torch.inference_mode():
        x = sample(draw(0), steps, velocity, draw, ctx.step).transpose(1, 2).cpu().numpy()  # [B, N, C]
    values = x * generator.stds + generator.means
    # The network moves the layout's gaussians. Sigmas stay between 0 and 1, rho between -1 and 1.
    geometry = layout.gaussians + values[..., :5]
    geometry[..., :2] = geometry[..., :2].clip(1e-5, 1 - 1e-5)
    geometry[..., 2] = geometry[..., 2].clip(1e-5 - 1, 1 - 1e-5)
    return Tokens(geometry, values[..., 5:], header={**layout.header, **generator.canvas})


def class_number(generator: Generator, name: Union[int, str]) -> int:
    number = generator.classes.index(name) if name in generator.classes else name
    if not isinstance(number, int) or number >= generator.network.no_class:
        known = ", ".join(f"{number}: {name}" for number, name in enumerate(generator.classes))
        raise ValueError(f"expected a class from 0 to {generator.network.no_class - 1}, got {name!r}; the generator knows {known or 'no names'}")
    return number
