#!/usr/bin/env python3
"""Makes inception.safetensors: a thin InceptionV3 with random weights, run by pytorch-fid, torch-fidelity and torchvision.

Needs torch, torchvision, pytorch-fid 0.3.0, torch-fidelity 0.4.0, clean-fid 0.1.35, safetensors and Pillow. Every layer has a sixteenth of
its width, and its batch normalisation has the statistics of the pictures, so that no layer is close to zero. The keys of the results are
WHAT.PACKAGE.PICTURE, and noise.WHAT.PACKAGE.PICTURE is how far the same network is in f64. `input` are some pixels of what the network gets: every 13th row, every 7th column.
"""
import os

import numpy as np
import pytorch_fid.inception
import torch
import torch_fidelity.feature_extractor_inceptionv3 as fidelity
import torchvision.models.inception as torchvision_inception
from cleanfid.resize import make_resizer
from PIL import Image
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
THIN = 16
# Name, file, and the part of it: left, top, right, bottom.
PICTURES = [
    ("enlarged", "chelsea_256", (10, 20, 200, 150)),
    ("same", "astronaut_256", (0, 0, 256, 256)),
    ("reduced", "china_512", (0, 60, 500, 512)),
]


def thinned(width):
    """Colours and classes keep their number."""
    return width if width in (3, 1000, 1008) else width // THIN


BatchNorm2d, Conv2d, Linear = torch.nn.BatchNorm2d, torch.nn.Conv2d, torch.nn.Linear
torch.nn.BatchNorm2d = lambda channels, **kwargs: BatchNorm2d(thinned(channels), **kwargs)
torch.nn.Conv2d = lambda inputs, outputs, **kwargs: Conv2d(thinned(inputs), thinned(outputs), **kwargs)
torch.nn.Linear = lambda inputs, outputs, **kwargs: Linear(thinned(inputs), thinned(outputs), **kwargs)


def picture(name, box):
    return np.asarray(Image.open(os.path.join(HERE, "images", name + ".png")).convert("RGB").crop(box))


torch.manual_seed(5)

# torch-fidelity makes the weights.
fidelity.load_state_dict_from_url = lambda *args, **kwargs: {}
load = torch.nn.Module.load_state_dict
torch.nn.Module.load_state_dict = lambda self, state: load(self, state, strict=bool(state))
network = fidelity_network = fidelity.FeatureExtractorInceptionV3("thin", ["2048", "logits_unbiased"])
torch.nn.Module.load_state_dict = load

pictures = {name: picture(file, box) for name, file, box in PICTURES}
as_torch = {name: torch.from_numpy(p.copy()).permute(2, 0, 1)[None] for name, p in pictures.items()}
with torch.no_grad():
    for parameter in network.parameters():
        parameter.requires_grad_(False)
        if parameter.ndim == 4:
            parameter.normal_(0, (2 / parameter[0].numel()) ** 0.5)
    norms = [m for m in network.modules() if isinstance(m, BatchNorm2d)]
    for norm in norms:
        norm.momentum = None
        norm.weight.uniform_(0.6, 1.4)
        norm.bias.uniform_(-0.3, 0.5)
    network.fc.weight.normal_(0, 0.3)
    # The statistics of a layer follow those of the layers before it.
    network.train()
    small = torch.cat([torch.nn.functional.interpolate(p.float(), (299, 299)).byte() for p in as_torch.values()])
    network(small)
    network.eval()
    # Channels that hardly change would magnify rounding.
    for norm in norms:
        norm.running_var.clamp_(min=float(norm.running_var.mean()))
    # Half precision in the file, exactly.
    weights = {key: value.half() for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    state = {key: weights[key].float() if key in weights else value for key, value in network.state_dict().items()}
    network.load_state_dict(state)

out = {}


def features_of(given, run, network, logits):
    seen = {}
    hooks = [
        network.Mixed_6d.branch1x1.register_forward_hook(lambda m, i, o: seen.update(spatial=o)),
        network.Conv2d_1a_3x3.register_forward_pre_hook(lambda m, i: seen.update(input=i[0])),
    ]
    with torch.no_grad():
        pool = run(given)
    for hook in hooks:
        hook.remove()
    found = {
        "pool": pool.reshape(-1),
        "spatial": seen["spatial"][0, :7].permute(1, 2, 0).reshape(-1),
        "input": seen["input"][0, :, ::13, ::7].permute(1, 2, 0),
    }
    if logits is not None:
        found["logits"] = (pool.reshape(1, -1) @ logits.to(pool.dtype).T).reshape(-1)
    return found


def record(package, name, given, run, whole, network, logits):
    """Records the features in f32, and as `noise` how far they are from the same network in f64."""
    found = features_of(given, run, network, logits)
    whole.double()
    if whole is fidelity_network:
        whole.feature_extractor_internal_dtype = torch.float64
    exact = features_of(given if given.dtype == torch.uint8 else given.double(), run, network, logits)
    whole.float()
    if whole is fidelity_network:
        whole.feature_extractor_internal_dtype = torch.float32
    for what, value in found.items():
        out[f"{what}.{package}.{name}"] = value.contiguous()
        out[f"noise.{what}.{package}.{name}"] = (value.double() - exact[what]).abs().max().float().reshape(1)


pytorch_fid.inception.load_state_dict_from_url = lambda *args, **kwargs: state
plain = pytorch_fid.inception.InceptionV3([3]).eval()
of_blocks = torch.nn.Module()
of_blocks.Conv2d_1a_3x3 = plain.blocks[0][0]
of_blocks.Mixed_6d = plain.blocks[2][6]
resize = make_resizer("PIL", False, "bicubic", (299, 299))
for name, given in as_torch.items():
    record("torch-fidelity", name, given, lambda x: network(x)[0], network, network, state["fc.weight"])
    record("pytorch-fid", name, given.float() / 255, lambda x: plain(x)[0], plain, of_blocks, None)
    clean = torch.from_numpy(resize(pictures[name])).permute(2, 0, 1)[None]

    def forward(x):
        x = (x - 128) / 128
        for child in network.children():
            if isinstance(child, Linear):
                break
            x = child(x)
        return x

    record("clean-fid", name, clean, forward, network, network, None)

other = torchvision_inception.inception_v3(weights=None, aux_logits=False, transform_input=False, init_weights=False).eval()
shared = {key: value[:1000] if key.startswith("fc.") else value for key, value in state.items()}
other.load_state_dict(shared)
other.fc = torch.nn.Identity()
record("torchvision", "same", as_torch["same"].float() / 255,
       lambda x: other(2 * torch.nn.functional.interpolate(x, (299, 299), mode="bilinear") - 1), other, other, state["fc.weight"][:1000])

out = {key: value.float().contiguous() for key, value in out.items()}
out.update({"weights." + key: value.contiguous() for key, value in weights.items()})
save_file(out, os.path.join(HERE, "inception.safetensors"))
for key, value in out.items():
    if not key.startswith(("weights.", "noise.")):
        print(key, tuple(value.shape), float(value.abs().max()), float(value.std()), float(out["noise." + key]))
