#!/usr/bin/env python3
"""Trains a tokenizer in PyTorch for some minutes on a graphics card, as TrainTokenizer does.

    train_tokenizer.py photos=30 textures.zip=5 --minutes 15 --output small.safetensors

Sources are folders or zip files of pictures, each with the number of tiles to cut out of a picture. All tiles are cut and partitioned
before the first step, and stay in the card's memory. The same command resumes a training that --until ended, on new tiles. It writes a CSV
of the losses beside the checkpoint, and with --measure one of PSNR on other pictures.
"""
import argparse
import csv
import json
import math
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import crops
import regions
import schedule
from lpips import Lpips

sys.path.append(str(Path(__file__).parents[2] / "benches" / "pytorch"))
import tokenizer as layers  # noqa: E402

# The numbers of tokens of a step, and how often each occurs.
TOKEN_COUNTS = {32: 1, 64: 3, 96: 1, 128: 4, 192: 1, 256: 3}
SIZES = {"textures": 32, "stem": 32, "channels": 32, "multipliers": (1, 2, 4), "blocks": 1, "width": 192, "depth": 9}
MAP = 64


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", metavar="SOURCE=TILES")
    parser.add_argument("--output", required=True)
    parser.add_argument("--minutes", type=float, default=15, help="length of the whole training, over which the learning rate falls")
    parser.add_argument("--until", type=float, default=math.inf, help="minutes of this run")
    parser.add_argument("--pictures", type=int, default=64, help="pictures in a step")
    parser.add_argument("--start", help="a checkpoint to begin with")
    parser.add_argument("--sizes", type=json.loads, default={}, help=f"JSON with the differences from {SIZES}")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--warm-up", type=int, default=300)
    parser.add_argument("--average", type=float, default=0.999)
    parser.add_argument("--noise", type=float, default=0.1, help="noise on textures, in their deviations, like the rounding of a token file")
    parser.add_argument("--lpips", help="VGG's weights")
    parser.add_argument("--perceptual", type=float, default=0.25)
    parser.add_argument("--perceptual-from", type=float, default=0.5, help="part of the training, 0..1, after which LPIPS begins")
    parser.add_argument("--grid", action="store_true", help="an even layout without a partition, for comparison")
    parser.add_argument("--fixed", action="store_true", help="gaussians stay in their first place, for comparison")
    parser.add_argument("--measure", help="a folder of pictures of 256 x 256 pixels")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def doubled(self, x):
    """Upsample, with a sum instead of a scatter in its gradient."""
    x = x.permute(0, 2, 3, 1)[:, :, None, :, None]
    x = x.expand(-1, -1, 2, -1, 2, -1).flatten(3, 4).flatten(1, 2)
    return self.conv(x.permute(0, 3, 1, 2))


layers.Upsample.forward = doubled


class Tokenizer(layers.Tokenizer):
    """The tokenizer's network, with forms that train faster."""

    def __init__(self, **sizes):
        super().__init__(**sizes)
        torch.nn.init.zeros_(self.to_gps[0].weight)
        torch.nn.init.zeros_(self.to_gps[0].bias)
        torch.nn.init.zeros_(self.decoder.conv_out.bias)

    def refine(self, features, gaussians, boxes):
        """Equals the layer. Each block's sum over a region's samples comes before the product with the width; the two commute."""
        sampled = regions.sample(features, boxes, self.bins)
        weights = torch.stack([block.roimlp.weight[0] for block in self.attnblocks])  # [depth, samples]
        summed = torch.einsum("bnsc,ds->dbnc", sampled, weights)
        read = F.linear(summed, self.roialign_layer.weight[..., 0, 0])  # [depth, B, N, width]
        x = self.gps_embed.weight[None] + self.gps_embed_layer(gaussians)
        for number, block in enumerate(self.attnblocks):
            x = x + read[number] + self.roialign_layer.bias * weights[number].sum() + block.roimlp.bias
            normalised = block.ln1(x)
            x = x + block.attn1(normalised, normalised, normalised, need_weights=False)[0]
            x = x + block.mlp(block.ln2(x))
        x = x.float()
        with torch.autocast(features.device.type, enabled=False):
            change, textures = self.to_gps[0](x), self.to_gps[1](x)
        sigmas = torch.sigmoid(torch.logit(gaussians[..., :2]) + change[..., :2])
        others = 2 * torch.sigmoid(torch.logit((1 + gaussians[..., 2:]) / 2) + change[..., 2:]) - 1
        return torch.cat([sigmas, others], -1), textures


class Training:
    def __init__(self, options):
        self.options = options
        torch.manual_seed(options.seed)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        self.device = torch.device(options.device)
        self.half = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        self.sizes = {**SIZES, **options.sizes}
        self.network = Tokenizer(**self.sizes).to(self.device, memory_format=torch.channels_last)
        # Otherwise each convolution turns maps from one memory layout to the other and back, because PyTorch judges by the few channels.
        torch._inductor.config.force_layout_optimization = True
        if options.start:
            self.network.load_state_dict({key: value.float() for key, value in load_file(options.start).items()})
        self.averaged = {key: value.detach().clone() for key, value in self.network.state_dict().items()}
        self.state = {"step": 0, "pictures": 0, "seconds": 0.0, "losses": [], "measured": []}
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=0.0, betas=(0.9, 0.99), weight_decay=1e-3, fused=self.device.type == "cuda"
        )
        self.lpips = Lpips(options.lpips).to(self.device) if options.lpips else None
        self.plain = self.network.preprocess_img, layers.splat, self.network.decoder
        # The transformer is not compiled: its shapes change with the number of tokens.
        compiled = (torch.compile(part, dynamic=part is layers.splat) for part in self.plain)
        self.fast = self.plain if options.no_compile else tuple(compiled)
        self.state_file = Path(options.output).with_suffix(".state.pt")
        if self.state_file.exists():
            known = torch.load(self.state_file, map_location=self.device, weights_only=False)
            self.network.load_state_dict(known["network"])
            self.optimizer.load_state_dict(known["optimizer"])
            self.averaged, self.state = known["averaged"], known["state"]
            print(f"resuming after step {self.state['step']}, {self.state['seconds'] / 60:.1f} minutes", flush=True)

    def prepare(self):
        """Tiles and their regions."""
        options, begun = self.options, time.time()
        jobs = []
        for source in options.sources:
            path, _, tiles = source.partition("=")
            jobs += [(path, name, int(tiles), crops.random_tile) for name in crops.listed(path)]
        seed = f"{options.seed} {self.state['step']}"
        tiles = crops.pool(jobs, seed, os.cpu_count())
        print(f"{len(tiles)} tiles of {len(jobs)} pictures after {time.time() - begun:.0f} s", flush=True)
        self.tiles = torch.from_numpy(tiles).to(self.device)
        self.boxes = self.cut(self.tiles)
        print(f"partitioned after {time.time() - begun:.0f} s", flush=True)

    def cut(self, tiles):
        if self.options.grid:
            return {count: grid(count).to(self.device)[None].expand(len(tiles), -1, -1) for count in TOKEN_COUNTS}
        parts = {count: [] for count in TOKEN_COUNTS}
        with torch.no_grad():
            for some in tiles.split(512):
                for count, boxes in regions.cut(regions.grey(some), set(TOKEN_COUNTS)).items():
                    parts[count].append(boxes.to(torch.uint8))
        return {count: torch.cat(boxes) for count, boxes in parts.items()}

    def stages(self, parts, tiles, gaussians, boxes, noise=None):
        """Tiles [B, 3, 256, 256] and their layout to decoded pictures."""
        network, device = self.network, self.device.type
        encode, splat, decode = parts
        with torch.autocast(device, self.half, enabled=self.half != torch.float32):
            features = encode(tiles)
            refined, textures = network.refine(features, gaussians, boxes)
            if self.options.fixed:
                refined = gaussians
            if noise is not None:
                textures = textures + noise * textures.detach().std((0, 1))
        with torch.autocast(device, enabled=False):
            map = splat(torch.cat([refined, textures], -1), MAP, MAP)
        with torch.autocast(device, self.half, enabled=self.half != torch.float32):
            return decode(map.contiguous(memory_format=torch.channels_last)).float()

    def batch(self, pictures, count):
        numbers = torch.randint(len(self.tiles), (pictures,), device=self.device)
        tiles = (self.tiles[numbers].permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        boxes = self.boxes[count][numbers].long()
        flip = torch.rand(pictures, device=self.device) < 0.5
        tiles = torch.where(flip[:, None, None, None], tiles.flip(3), tiles)
        boxes = torch.where(flip[:, None, None], regions.mirrored(boxes), boxes)
        return tiles, regions.gaussians(boxes), boxes

    def loss(self, decoded, tiles, done):
        difference = decoded - tiles
        loss = difference.abs().mean() + (difference**2).mean()
        across, down = difference.diff(dim=3).abs().mean(), difference.diff(dim=2).abs().mean()
        loss = loss + 0.5 * (across + down)
        distance = torch.zeros((), device=self.device)
        if self.lpips is not None and done >= self.options.perceptual_from:
            distance = self.lpips(decoded, tiles)
            loss = loss + self.options.perceptual * distance
        return loss, (difference.detach() ** 2).mean(), distance.detach()

    def compile(self):
        """A step that changes nothing, so the training's time excludes compiling."""
        begun = time.time()
        for count in (256, 64):
            tiles, gaussians, boxes = self.batch(self.options.pictures, count)
            noise = torch.zeros(len(tiles), count, self.sizes["textures"], device=self.device)
            self.loss(self.stages(self.fast, tiles, gaussians, boxes, noise), tiles, 1.0)[0].backward()
        self.optimizer.zero_grad(set_to_none=True)
        print(f"compiled after {time.time() - begun:.0f} s", flush=True)

    def run(self):
        options, state = self.options, self.state
        counts, often = list(TOKEN_COUNTS), np.array(list(TOKEN_COUNTS.values()), float)
        chance = np.random.default_rng([options.seed, state["step"]])
        whole, before = options.minutes * 60, state["seconds"]
        begun = measured = told = time.time()
        parameters = list(self.network.parameters())
        averages = [self.averaged[key] for key, _ in self.network.named_parameters()]
        sums, names = torch.zeros(3, device=self.device), ("loss", "squared", "lpips")
        steps = 0
        while True:
            state["seconds"] = before + time.time() - begun
            done = state["seconds"] / whole
            if done >= 1 or time.time() - begun >= options.until * 60:
                break
            rate = schedule.learning_rate(options.learning_rate, options.warm_up, state["step"], done)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            count = int(chance.choice(counts, p=often / often.sum()))
            tiles, gaussians, boxes = self.batch(options.pictures, count)
            # Half of the pictures get noise, of any strength up to the highest.
            strength = (torch.rand(len(tiles), 1, 1, device=self.device) * 2 - 1).clamp(min=0) * options.noise
            noise = torch.randn(len(tiles), count, self.sizes["textures"], device=self.device) * strength
            decoded = self.stages(self.fast, tiles, gaussians, boxes, noise)
            loss, squared, distance = self.loss(decoded, tiles, done)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            state["step"] += 1
            state["pictures"] += len(tiles)
            kept = schedule.kept(options.average, state["step"])
            torch._foreach_lerp_(averages, [p.detach() for p in parameters], 1 - kept)
            sums += torch.stack([loss.detach(), squared, distance])
            steps += 1
            if time.time() - told > 10:
                mean = dict(zip(names, (sums / steps).tolist()))
                if not math.isfinite(mean["loss"]):
                    sys.exit(f"the loss is not finite after step {state['step']}; the last state is in {self.state_file}")
                speed = steps * options.pictures / (time.time() - told)
                row = {**{k: state[k] for k in ("step", "pictures")}, "seconds": round(state["seconds"]), **mean, "speed": round(speed)}
                state["losses"].append(row)
                print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}), flush=True)
                sums.zero_()
                steps, told = 0, time.time()
            if time.time() - measured > 120:
                self.measure()
                self.save()
                measured = time.time()
        self.save()
        self.measure()
        self.save()

    @torch.no_grad()
    def measure(self):
        if not self.options.measure:
            return
        if not hasattr(self, "others"):
            names = crops.listed(self.options.measure)
            pixels = np.stack([np.asarray(crops.opened(self.options.measure, name)) for name in names])
            self.others = torch.from_numpy(pixels).to(self.device)
            self.others_boxes = self.cut(self.others)
        weights = {key: value.clone() for key, value in self.network.state_dict().items()}
        self.network.load_state_dict(self.averaged)
        row = {"step": self.state["step"], "pictures": self.state["pictures"], "seconds": round(self.state["seconds"])}
        tiles = self.others.permute(0, 3, 1, 2).float() / 127.5 - 1
        for count in (64, 128, 256):
            boxes = self.others_boxes[count].long()
            decoded = self.stages(self.plain, tiles, regions.gaussians(boxes), boxes)
            bytes = ((decoded.clamp(-1, 1) + 1) * 127.5).floor()
            squared = ((bytes - self.others.permute(0, 3, 1, 2).float()) ** 2).mean((1, 2, 3))
            row[f"psnr_{count}"] = round((10 * (255**2 / squared).log10()).mean().item(), 3)
            if self.lpips is not None:
                row[f"lpips_vgg_{count}"] = round(self.lpips(decoded.clamp(-1, 1), tiles).item(), 4)
        self.network.load_state_dict(weights)
        self.state["measured"].append(row)
        print(json.dumps(row), flush=True)

    def save(self):
        output = Path(self.options.output)
        state = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(), "averaged": self.averaged}
        torch.save({**state, "state": self.state}, self.state_file)
        about = {"map": json.dumps([MAP, MAP]), "support": "3"}
        save_file({key: value.half().contiguous().cpu() for key, value in self.averaged.items()}, output, about)
        for name in ("losses", "measured"):
            if rows := self.state[name]:
                with open(output.with_suffix(f".{name}.csv"), "w", newline="") as file:
                    writer = csv.DictWriter(file, rows[-1].keys(), extrasaction="ignore", restval="")
                    writer.writeheader()
                    writer.writerows(rows)


def grid(count):
    """Rows of equal regions [N, 4], wider than tall or square, for comparison."""
    rows = max(r for r in range(1, math.isqrt(count) + 1) if count % r == 0 and 256 % r == 0)
    columns = count // rows
    edges = [(256 * i // rows, 256 * (i + 1) // rows - 1) for i in range(rows)]
    sides = [(256 * i // columns, 256 * (i + 1) // columns - 1) for i in range(columns)]
    return torch.tensor([[*edge, *side] for edge in edges for side in sides], dtype=torch.uint8)


if __name__ == "__main__":
    training = Training(arguments())
    training.prepare()
    training.compile()
    training.run()
