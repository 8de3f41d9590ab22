#!/usr/bin/env python3
"""Makes one_stage.safetensors of this folder: `one_stage.py`. Needs torch, numpy and safetensors.

The authors have published no generator of one stage, so nothing of their code can be recorded for it. This file has a small form of SiT and of
its samplers, written from their description. It first repeats the authors' recorded runs of the generator of layouts (sit_forward and
sit_sampling), which is a SiT without a condition too. Then it samples from random weights with more channels: gaussians and textures together.
"""
import math, os

import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import gelu, layer_norm, linear, silu

HERE = os.path.dirname(os.path.abspath(__file__))
DEPTH, WIDTH, HEADS, CHANNELS, CLASSES, TOKENS = 2, 48, 3, 5 + 8, 3, 16
FREQUENCIES = 256


def velocities(weights, heads, x, t, classes):
    """The velocities [B, C, N] for x [B, C, N], times t [B] and classes [B]."""
    def dense(key, values):
        return linear(values, weights[key + ".weight"], weights[key + ".bias"])

    def norm(values, shift, scale):
        return layer_norm(values, values.shape[-1:], eps=1e-6) * (1 + scale[:, None]) + shift[:, None]

    channels = x.shape[1]
    proj = weights["x_embedder.proj.weight"].flatten(1)
    h = linear(x.transpose(1, 2), proj, weights["x_embedder.proj.bias"]) + weights["pos_embed"]
    half = FREQUENCIES // 2
    waves = torch.exp(-math.log(10000) * torch.arange(half, dtype=x.dtype) / half)
    angles = t[:, None] * waves
    time = dense("t_embedder.mlp.2", silu(dense("t_embedder.mlp.0", torch.cat([angles.cos(), angles.sin()], 1))))
    condition = silu(time + weights["y_embedder.embedding_table.weight"][classes])
    for block in range(sum(key.endswith("attn.qkv.weight") for key in weights)):
        key = f"blocks.{block}."
        parts = dense(key + "adaLN_modulation.1", condition).chunk(6, 1)
        joint = dense(key + "attn.qkv", norm(h, parts[0], parts[1]))
        q, k, v = joint.unflatten(2, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, -1) @ v
        h = h + parts[2][:, None] * dense(key + "attn.proj", mixed.transpose(1, 2).flatten(2))
        inner = gelu(dense(key + "mlp.fc1", norm(h, parts[3], parts[4])), approximate="tanh")
        h = h + parts[5][:, None] * dense(key + "mlp.fc2", inner)
    shift, scale = dense("final_layer.adaLN_modulation.1", condition).chunk(2, 1)
    return dense("final_layer.linear", norm(h, shift, scale))[..., :channels].transpose(1, 2)


def guided(weights, heads, classes, scale, low, high):
    """Velocities under guidance, as a function of x and t. The last row of the table of classes stands for no class."""
    none = torch.full_like(classes, len(weights["y_embedder.embedding_table.weight"]) - 1)

    def velocity(x, t):
        times = torch.full((len(x),), float(t), dtype=x.dtype)
        with_class = velocities(weights, heads, x, times, classes)
        if not torch.tensor(low) <= t <= torch.tensor(high):
            return with_class
        without = velocities(weights, heads, x, times, none)
        return without + scale * (with_class - without)
    return velocity


def sde(velocity, x, noise, points):
    """Euler and Maruyama with the diffusion of SBDM. The last step adds no noise."""
    def drift(x, t):
        v, diffusion = velocity(x, t), (1 - t) / t
        score = (t * v - x) / ((1 - t) ** 2 + t * (1 - t))
        return v + diffusion * score, diffusion

    times = torch.linspace(1e-3, 0.96, points)
    dt = times[1] - times[0]
    for t, fresh in zip(times[:-1], noise):
        mean, diffusion = drift(x, t)
        x = x + mean * dt + torch.sqrt(2 * diffusion * dt) * fresh
    return x + drift(x, times[-1])[0] * 0.04


def ode(velocity, x, points, step):
    times = torch.linspace(0, 1, points)
    for t, after in zip(times[:-1], times[1:]):
        x = step(velocity, x, t, after - t)
    return x


def euler(velocity, x, t, dt):
    return x + dt * velocity(x, t)


def rk4(velocity, x, t, dt):
    """The rule of 3/8."""
    a = velocity(x, t)
    b = velocity(x + dt * a / 3, t + dt / 3)
    c = velocity(x + dt * (b - a / 3), t + dt * 2 / 3)
    d = velocity(x + dt * (a - b + c), t + dt)
    return x + dt * (a + 3 * (b + c) + d) / 8


def agree(what, ours, recorded, tolerance):
    distance = (ours - recorded).abs().max().item()
    print(f"{what}: {distance:.1e} of {tolerance:.1e}")
    assert distance <= tolerance, what


def repeats_the_authors_runs():
    weights = load_file(os.path.join(HERE, "weights_sit_layout.safetensors"))
    forward = load_file(os.path.join(HERE, "sit_forward.safetensors"))
    out = velocities(weights, 6, forward["layout.x"].flatten(2), forward["t"], forward["y"])
    agree("sit_forward", out, forward["layout.out"].flatten(2), 5e-6)
    runs = load_file(os.path.join(HERE, "sit_sampling.safetensors"))
    velocity, start = guided(weights, 6, runs["y"][:2], 1.5, 0.0, 1.0), runs["layout.z"].flatten(2)
    sampled = {
        "sde10": sde(velocity, start, runs["layout.sde10.noise"].flatten(3), 10),
        "ode_euler10": ode(velocity, start, 10, euler),
        "ode_rk410": ode(velocity, start, 10, rk4),
    }
    for name, ours in sampled.items():
        recorded = runs[f"layout.{name}.final"].flatten(2)
        agree(name, ours, recorded, 5e-6 * recorded.abs().max().item())


def random_weights():
    torch.manual_seed(21)
    weights = {}

    def layer(key, outputs, inputs, kernel=()):
        weights[key + ".weight"] = torch.randn(outputs, inputs, *kernel) / math.sqrt(inputs)
        weights[key + ".bias"] = 0.1 * torch.randn(outputs)

    layer("x_embedder.proj", WIDTH, CHANNELS, (1, 1))
    layer("t_embedder.mlp.0", WIDTH, FREQUENCIES)
    layer("t_embedder.mlp.2", WIDTH, WIDTH)
    layers = [("adaLN_modulation.1", 6, 1), ("attn.qkv", 3, 1), ("attn.proj", 1, 1), ("mlp.fc1", 4, 1), ("mlp.fc2", 1, 4)]
    for block in range(DEPTH):
        for name, outputs, inputs in layers:
            layer(f"blocks.{block}.{name}", outputs * WIDTH, inputs * WIDTH)
    layer("final_layer.adaLN_modulation.1", 2 * WIDTH, WIDTH)
    layer("final_layer.linear", 2 * CHANNELS, WIDTH)
    weights["y_embedder.embedding_table.weight"] = torch.randn(CLASSES + 1, WIDTH)
    weights["pos_embed"] = torch.randn(1, TOKENS, WIDTH)
    return weights


def tokens(samples, means, stds):
    """Tokens [B, N, C] of samples [B, C, N]: absolute gaussians, whose sigmas and rho are made legal, then textures."""
    rows = samples.transpose(1, 2) * stds + means
    rows[..., :2] = rows[..., :2].clamp(1e-5, 0.99999)
    rows[..., 2] = rows[..., 2].clamp(-0.99999, 0.99999)
    return rows.contiguous()


@torch.no_grad()
def main():
    repeats_the_authors_runs()
    weights, points = random_weights(), 10
    classes = torch.tensor([2, 0])
    start, noise = torch.randn(2, CHANNELS, TOKENS), torch.randn(points - 1, 2, CHANNELS, TOKENS)
    means = torch.cat([torch.tensor([0.15, 0.12, 0.0, 0.02, -0.03]), torch.randn(CHANNELS - 5)])
    stds = torch.cat([torch.tensor([0.1, 0.08, 0.5, 0.6, 0.55]), 1 + torch.rand(CHANNELS - 5)])
    out = {"weights." + key: value for key, value in weights.items()}
    out.update(y=classes, start=start, noise=noise, means=means, stds=stds)
    exact = {key: value.double() for key, value in weights.items()}
    runs = {
        "sde": lambda velocity, x, noise: sde(velocity, x, noise, points),
        "euler": lambda velocity, x, noise: ode(velocity, x, points, euler),
        "rk4": lambda velocity, x, noise: ode(velocity, x, points, rk4),
    }
    for name, run in runs.items():
        final = run(guided(weights, HEADS, classes, 1.5, 0.2, 1.0), start, noise)
        in_f64 = run(guided(exact, HEADS, classes, 1.5, 0.2, 1.0), start.double(), noise.double())
        distance = (final - in_f64).abs().max() / final.abs().max()
        print(f"{name}: values up to {final.abs().max():.2f}, f32 and f64 differ by {distance:.1e} of them")
        out[name + ".final"], out[name + ".in_f64"] = final.contiguous(), in_f64.contiguous()
        out[name + ".tokens"] = tokens(final, means, stds)
        gaussians = out[name + ".tokens"][..., :5]
        clamped = (gaussians[..., :2] == 1e-5).sum(), (gaussians[..., 2].abs() == 0.99999).sum()
        print(f"  clamped: {clamped[0]} sigmas, {clamped[1]} rhos")
    save_file(out, os.path.join(HERE, "one_stage.safetensors"))


main()
