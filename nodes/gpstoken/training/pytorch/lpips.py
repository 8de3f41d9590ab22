"""LPIPS on VGG16 (Zhang et al. 2018) as a loss, on the weights that examples/lpips_weights.py makes."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

STAGES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


class Lpips(nn.Module):
    def __init__(self, file):
        super().__init__()
        for key, value in load_file(file).items():
            self.register_buffer(key.replace(".", "_"), value.float())
        self.register_buffer("shift", torch.tensor(SHIFT)[None, :, None, None])
        self.register_buffer("scale", torch.tensor(SCALE)[None, :, None, None])

    def stages(self, x):
        for number, layers in enumerate(STAGES):
            if number:
                x = F.max_pool2d(x, 2)
            for layer in layers:
                weight = getattr(self, f"features_{layer}_weight").to(x.dtype)
                x = F.relu(F.conv2d(x, weight, getattr(self, f"features_{layer}_bias").to(x.dtype), padding=1))
            yield x

    def forward(self, decoded, expected):
        """The mean distance of pictures [B, 3, H, W], -1..1."""
        layout = {"dtype": torch.bfloat16 if decoded.is_cuda else torch.float32, "memory_format": torch.channels_last}
        decoded, expected = (((x - self.shift) / self.scale).to(**layout) for x in (decoded, expected))
        with torch.no_grad():
            known = [self.unit(x) for x in self.stages(expected)]
        distance = 0.0
        for number, (x, other) in enumerate(zip(self.stages(decoded), known)):
            apart = (self.unit(x) - other) ** 2
            distance = distance + F.conv2d(apart, getattr(self, f"lin{number}_weight").to(apart.dtype)).float().mean()
        return distance

    @staticmethod
    def unit(x):
        return x * torch.rsqrt((x.float() ** 2).sum(1, keepdim=True) + 1e-10).to(x.dtype)
