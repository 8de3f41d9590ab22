"""Writes a generator with random weights, under the keys of the authors' code, to try graphs without a trained generator and to
measure models of any size. Needs numpy and safetensors.

    python random_generator.py textures generator.safetensors
    python random_generator.py layouts layout_generator.safetensors
    python random_generator.py tokens one-stage.safetensors
    python random_generator.py textures xl.safetensors --depth 28 --width 1152 --classes 1000

Pictures of a random generator show nothing, but they depend on class and seed as with a trained generator.
"""

import argparse
import json

import numpy as np
from safetensors.numpy import save_file

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("kind", choices=["textures", "layouts", "tokens"])
parser.add_argument("file", help="the .safetensors file to write")
parser.add_argument("--depth", type=int, default=4, help="blocks")
parser.add_argument("--width", type=int, default=128, help="channels of a block; one head for each 64, but 16 for 1152 and 1024")
parser.add_argument("--tokens", type=int, default=128, help="places of the position embedding: the number of gaussians of a layout, or of tokens made in one stage")
parser.add_argument("--classes", type=int, default=1000)
parser.add_argument("--textures", type=int, default=32, help="numbers of a texture, as the tokenizer has them: 32 of `small`, 16 of the authors' M128")
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()

random = np.random.default_rng(options.seed)
width = options.width
channels = 5 + (0 if options.kind == "layouts" else options.textures)
weights = {}


def add(key, *shape, inputs=1):
    weights[f"ema_model.{key}"] = random.standard_normal(shape, np.float32) / np.float32(inputs) ** 0.5


def layer(key, outputs, inputs, *rest):
    add(f"{key}.weight", outputs, inputs, *rest, inputs=inputs)
    add(f"{key}.bias", outputs, inputs=inputs)


layer("x_embedder.proj", width, channels, 1, 1)
layer("t_embedder.mlp.0", width, 256)
layer("t_embedder.mlp.2", width, width)
add("y_embedder.embedding_table.weight", options.classes + 1, width)  # the last row is "no class"
add("pos_embed", 1, options.tokens, width)
if options.kind == "textures":
    layer("cond_embedder.0", width, 5)
    layer("cond_embedder.2", width, width)
for block in range(options.depth):
    layer(f"blocks.{block}.attn.qkv", 3 * width, width)
    layer(f"blocks.{block}.attn.proj", width, width)
    layer(f"blocks.{block}.mlp.fc1", 4 * width, width)
    layer(f"blocks.{block}.mlp.fc2", width, 4 * width)
    layer(f"blocks.{block}.adaLN_modulation.1", 6 * width, width)
layer("final_layer.linear", 2 * channels, width)  # velocities and, unused, sigmas
layer("final_layer.adaLN_modulation.1", 2 * width, width)

# Layouts spread gaussians over the canvas; textures move them a little. Tokens made in one stage have sizes too.
means = [0.08, 0.08, 0.0, 0.0, 0.0] if options.kind == "tokens" else [0.0] * 5
stds = {"textures": [0.02] * 5, "layouts": [0.4] * 5, "tokens": [0.03, 0.03, 0.3, 0.5, 0.5]}[options.kind]
textures = channels - 5
normalisation = {"means": means + [0.0] * textures, "stds": stds + [1.0] * textures}
save_file(weights, options.file, {"normalisation": json.dumps(normalisation)})
