"""Writes the checkpoints of these tests with PyTorch itself: python make.py (torch 2.9.0, safetensors)."""
import collections, os, pickle, zipfile
import torch
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(0)
weights = {
    "linear.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "linear.transposed": torch.arange(6, dtype=torch.float32).reshape(2, 3).t(),
    "half": torch.tensor([0.5, -1.0], dtype=torch.float16),
    "brain": torch.tensor([[2.0]], dtype=torch.bfloat16),
    "steps": torch.tensor(7, dtype=torch.int64),
    "view": torch.arange(10, dtype=torch.float64)[4:7],
}
torch.save(weights, os.path.join(here, "flat.pth"))
model = torch.nn.Sequential(torch.nn.Linear(2, 1, bias=False))
torch.save(
    {"model": model.state_dict(), "ema": collections.OrderedDict(a=torch.ones(1)), "epoch": 3, "name": "small", "lr": [0.1, None],
     "parameter": torch.nn.Parameter(torch.zeros(2))},
    os.path.join(here, "nested.pth"),
)
save_file({k: v.contiguous() for k, v in weights.items()}, os.path.join(here, "flat.safetensors"), {"map": "[16,16]"})


class Code:
    def __reduce__(self):
        return (os.system, ("echo never",))


with zipfile.ZipFile(os.path.join(here, "code.pth"), "w") as archive:
    archive.writestr("archive/data.pkl", pickle.dumps({"weights": Code()}, protocol=2))
