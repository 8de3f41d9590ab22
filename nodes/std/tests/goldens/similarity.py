"""Records PSNR and SSIM of two pictures as scikit-image computes them, for tests/nodes/compare.rs.

    python3 -m venv .venv && .venv/bin/pip install numpy==2.4.6 scikit-image==0.26.0
    .venv/bin/python nodes/std/tests/goldens/similarity.py > nodes/std/tests/goldens/similarity.json

The test makes the same pictures by the same whole numbers.
"""
import json

import numpy as np
import skimage
from skimage.color import rgb2ycbcr
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

HEIGHT, WIDTH, BORDER = 41, 53, 4


def pictures():
    """A picture with a ramp, an edge and a pattern, and the same with errors that grow to the right."""
    y, x, c = np.meshgrid(np.arange(HEIGHT), np.arange(WIDTH), np.arange(3), indexing="ij")
    first = (3 * x + 2 * y + 40 * c + 60 * (x > 30) + (x * y * (c + 1)) % 23) % 256
    second = np.clip(first + (x * 7 + y * 13 + c * 5) % (3 + x // 4) - x // 10, 0, 255)
    return first.astype(np.uint8), second.astype(np.uint8)


def luma(picture):
    """BasicSR keeps the luma as f32."""
    return rgb2ycbcr(picture)[..., 0].astype(np.float32).astype(np.float64)


def measured(a, b):
    gaussian = {"gaussian_weights": True, "sigma": 1.5}
    ssim = lambda a, b, **options: structural_similarity(a, b, **{"data_range": 255, "channel_axis": -1, **options})
    rgb = {"psnr": peak_signal_noise_ratio(a, b, data_range=255), "squared_error": mean_squared_error(a, b)}
    y, z = luma(a), luma(b)
    return {
        "gaussian": {**rgb, "ssim": ssim(a, b, use_sample_covariance=False, **gaussian)},
        "skimage": {**rgb, "ssim": ssim(a, b)},
        "skimage-gaussian": {**rgb, "ssim": ssim(a, b, **gaussian)},
        "llamagen": {**rgb, "ssim": ssim(a / 255, b / 255, data_range=2.0)},
        "luma": {
            "psnr": peak_signal_noise_ratio(y, z, data_range=255),
            "squared_error": mean_squared_error(y, z),
            "ssim": ssim(y, z, use_sample_covariance=False, channel_axis=None, **gaussian),
        },
    }


a, b = pictures()
inner = np.s_[BORDER:-BORDER, BORDER:-BORDER]
record = {
    "scikit-image": skimage.__version__,
    "size": [HEIGHT, WIDTH],
    "border": BORDER,
    "whole": measured(a, b),
    "inside": measured(a[inner], b[inner]),
}
print(json.dumps(record, indent=2))
