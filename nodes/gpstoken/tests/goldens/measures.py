#!/usr/bin/env python3
"""Makes measures.safetensors, statistics.npz and statistics_packed.npz: features of two sets, and what public programs say about them.

Needs pytorch-fid 0.3.0, torch-fidelity 0.4.0, numpy, torch and safetensors. The spatial features have fewer pictures than features, as sFID
has for small sets; their distance is that of an independent form with the eigenvalues of the product of both covariances.
"""
import os

import numpy as np
import torch
from pytorch_fid.fid_score import calculate_frechet_distance
from safetensors.numpy import save_file
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

HERE = os.path.dirname(os.path.abspath(__file__))
PICTURES, WIDTH, CLASSES = 300, 20, 12
random = np.random.RandomState(11)

mixture = random.normal(size=(WIDTH, WIDTH)) * 0.3
real = np.abs(random.normal(size=(PICTURES, WIDTH)) @ mixture + 0.5).astype(np.float32)
generated = np.abs(random.normal(size=(PICTURES, WIDTH)) @ (mixture * 0.85) + 0.6).astype(np.float32)
real_spatial = np.abs(random.normal(size=(60, 80)) @ random.normal(size=(80, 80)) * 0.1).astype(np.float32)
generated_spatial = np.abs(random.normal(size=(60, 80)) @ random.normal(size=(80, 80)) * 0.12).astype(np.float32)
logits = (random.normal(size=(PICTURES, CLASSES)) * 2).astype(np.float32)


def moments(features):
    features = features.astype(np.float64)
    return features.mean(axis=0), np.cov(features, rowvar=False)


def plain_distance(a, b):
    (mean_a, cov_a), (mean_b, cov_b) = moments(a), moments(b)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(cov_a @ cov_b).real, 0))
    return ((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * roots.sum()


mu, sigma = moments(generated)
fid = calculate_frechet_distance(mu, sigma, *moments(real))
assert abs(fid - plain_distance(generated, real)) < 1e-6
a, b = torch.from_numpy(generated), torch.from_numpy(real)
kid = kid_features_to_metric(a.double(), b.double(), kid_subsets=1, kid_subset_size=PICTURES, verbose=False)
prc = prc_features_to_metric(a, b, verbose=False)
isc = isc_features_to_metric(torch.from_numpy(logits), splits=7, shuffle=False)
values = {
    "fid": fid, "sfid": plain_distance(generated_spatial, real_spatial),
    "kid": kid["kernel_inception_distance_mean"], "precision": prc["precision"], "recall": prc["recall"],
    "is": isc["inception_score_mean"], "is_deviation": isc["inception_score_std"],
}
print(values)
out = {"real": real, "generated": generated, "real_spatial": real_spatial, "generated_spatial": generated_spatial, "logits": logits}
out.update({"value." + name: np.array([value], dtype=np.float64) for name, value in values.items()})
save_file({key: np.ascontiguousarray(value) for key, value in out.items()}, os.path.join(HERE, "measures.safetensors"))
mu_s, sigma_s = moments(generated_spatial[:, :30])
np.savez(os.path.join(HERE, "statistics.npz"), mu=mu, sigma=sigma, mu_s=mu_s, sigma_s=sigma_s, arr_0=np.zeros((2, 4, 4, 3), np.uint8))
# Column by column, as some programs write covariances, and packed, as pytorch-fid does.
np.savez_compressed(os.path.join(HERE, "statistics_packed.npz"), mu=mu.astype(np.float32), sigma=np.asfortranarray(sigma))
