"""Writes checkpoints of many kinds with PyTorch itself: python make_kinds.py (torch 2.9.0, numpy, safetensors).

`NAME.pth` has a twin `NAME.safetensors` with the tensors as torch.load gives them. The files of `refused` have none.
"""
import collections, io, os, pickle, struct, sys, zipfile
import numpy as np
import torch
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))
os.makedirs(os.path.join(here, "kinds"), exist_ok=True)
os.makedirs(os.path.join(here, "refused"), exist_ok=True)


def path(name):
    return os.path.join(here, name)


def flat(value, name=""):
    """The tensors of a value by the keys on the way to them."""
    join = lambda key: f"{name}.{key}" if name else str(key)
    if isinstance(value, torch.Tensor):
        return {name: value.detach()}
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, (list, tuple)):
        pairs = enumerate(value)
    else:
        return {}
    return {k: v for key, inner in pairs for k, v in flat(inner, join(key)).items()}


def twin(name, safe=True):
    tensors = flat(torch.load(path(f"kinds/{name}.pth"), weights_only=safe))
    plain = {k: v.resolve_neg().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()}
    save_file(plain, path(f"kinds/{name}.safetensors"))


def keep(name, value, safe=True, **options):
    torch.save(value, path(f"kinds/{name}.pth"), **options)
    twin(name, safe)


shared = torch.arange(24, dtype=torch.float32)
small = {
    "weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "half": torch.tensor([0.5, -1.0], dtype=torch.float16),
    "steps": torch.tensor(7),
    "first": shared[:8],
    "last": shared[8:].reshape(4, 4).t(),
    "epoch": 3,
    "long": 2**64 - 1,
    "name": "klein, \u00e4\u4e2d",
    "raw": b"\x00\xff",
    "rates": (0.1, None, True, -5, 1 << 40),
    "state": collections.OrderedDict(a=torch.ones(1)),
}
for protocol in [1, 2, 3, 4, 5]:
    # Only protocol 2 is what torch's safe loader knows.
    keep(f"zip-{protocol}", small, safe=False, pickle_protocol=protocol)
    keep(f"legacy-{protocol}", small, safe=False, pickle_protocol=protocol, _use_new_zipfile_serialization=False)

dtypes = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8]
dtypes += [torch.uint64, torch.uint32, torch.uint16, torch.uint8, torch.bool]
every = {str(d).removeprefix("torch."): torch.arange(6).to(d).reshape(2, 3) for d in dtypes}
keep("types", every)
# torch itself can't load the unsigned types from its older format.
keep("types-legacy", {k: v for k, v in every.items() if k == "uint8" or "u" not in k}, _use_new_zipfile_serialization=False)

base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
keep(
    "views",
    {
        "negative": torch._neg_view(torch.tensor([1.0, -2.0, 0.0])),
        "negative-half": torch._neg_view(torch.tensor([1.0, -2.0], dtype=torch.float16)),
        "negative-int": torch._neg_view(torch.tensor([1, -2], dtype=torch.int32)),
        "negative-turned": torch._neg_view(base).t(),
        "imaginary": torch.complex(base, base + 1).conj().imag,
        "expanded": torch.ones(1).expand(3, 4),
        "expanded-rows": torch.arange(4.0).expand(3, 4),
        "spread": base[::2, 1::2],
        "empty": torch.zeros(0, 5),
        "empty-expanded": torch.ones(1).expand(0, 4),
        "single": torch.tensor(2.5),
    },
)


attributed = torch.tensor([1.0, 2.0])
attributed.note = "an attribute"
parameter = torch.nn.Parameter(torch.tensor([3.0]))
parameter.note = {"any": 1}
with_metadata = torch.nn.Linear(2, 1).state_dict()
deep = torch.tensor([4.0])
for level in range(40):
    deep = {"d": deep}
keep(
    "safe",
    {
        "attributed": attributed,
        "parameter": parameter,
        "plain-parameter": torch.nn.Parameter(torch.zeros(2), requires_grad=False),
        "linear": with_metadata,
        "deep": deep,
        "dtype": dtypes + [torch.complex64, torch.float8_e4m3fn, torch.quint8, torch.int4],
        "size": torch.Size([2, 3]),
        "device": torch.device("cuda", 1),
        "layout": [torch.strided, torch.sparse_coo],
        "scheme": torch.per_channel_affine,
        "counter": collections.Counter({3: 1, 5: 2}),
        "set": {1, 2},
        "complex": 1 + 2j,
        "bytes": [b"abc", bytearray(b"\x01\xff")],
        "seed": 2**64 - 1,
        "huge": -(10**40),
        "storage": torch.arange(3).untyped_storage(),
        "keys": {1: torch.tensor([1.0]), True: torch.tensor([2.0]), None: torch.tensor([3.0]), (2, "x"): torch.tensor([4.0]), 0.5: torch.tensor([5.0])},
    },
)
keep(
    "data",
    {
        "default": collections.defaultdict(list, a=torch.tensor([1.0])),
        "scalar": [np.float64(0.5), np.int64(3), np.bool_(True), np.float32],
        "dtype": np.dtype("f4"),
        "frozen": [frozenset({1}), b""],
        "w": torch.tensor([2.0]),
    },
    safe=False,
)


def big_endian(name, tensors):
    """A checkpoint as a big-endian machine writes it."""
    plain = io.BytesIO()
    torch.save(tensors, plain)
    storages = {v.untyped_storage().data_ptr(): v.element_size() for v in tensors.values()}
    sizes = {str(i): size for i, size in enumerate(storages.values())}
    with zipfile.ZipFile(plain) as before, zipfile.ZipFile(path(f"kinds/{name}.pth"), "w") as after:
        for item in before.namelist():
            content = before.read(item)
            folder, _, key = item.rpartition("/")
            if item.endswith("/byteorder"):
                content = b"big"
            elif folder.endswith("/data"):
                content = b"".join(content[i : i + sizes[key]][::-1] for i in range(0, len(content), sizes[key]))
            after.writestr(item, content)
    save_file({k: v.contiguous() for k, v in tensors.items()}, path(f"kinds/{name}.safetensors"))


big_endian("big-endian", {**every, "turned": base.t()})


def legacy(name, value, keys):
    """A file of PyTorch 0.x. `value` is the pickle, `keys` are the storages."""
    with open(path(f"kinds/{name}.pth"), "wb") as file:
        for head in [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]:
            file.write(pickle.dumps(head, protocol=2))
        file.write(value)
        file.write(pickle.dumps(list(keys), protocol=2))
        for numbers in keys.values():
            file.write(struct.pack(f"<q{len(numbers)}f", len(numbers), *numbers))


def text(word):
    return b"U" + bytes([len(word)]) + word.encode()


def storage(key, count, kind="FloatStorage", module="torch", view=b"N"):
    return b"(" + text("storage") + f"c{module}\n{kind}\n".encode() + text(key) + text("cpu") + bytes([ord("K"), count]) + view + b"tQ"


def rebuilt(storage, offset, sides, strides):
    sides, strides = ([bytes([ord("K"), side]) for side in all] for all in (sides, strides))
    return b"K" + bytes([offset]) + b"(" + b"".join(sides) + b"t(" + b"".join(strides) + b"t"


def tensor(storage, offset, sides, strides):
    return b"ctorch._utils\n_rebuild_tensor\n(" + storage + rebuilt(storage, offset, sides, strides) + b"tR"


# Python 2 wrote str as bytes and an OrderedDict as a list of lists; views had storages of their own.
view = b"(" + text("v") + b"K\x02K\x03t"
pairs = b"".join(
    b"]" + b"(" + text(name) + value + b"e"
    for name, value in {
        "conv.weight": tensor(storage("s", 6), 0, [2, 3], [3, 1]),
        "conv.bias": tensor(storage("s", 6, view=view), 1, [2], [1]),
    }.items()
)
legacy("python-2", b"\x80\x02ccollections\nOrderedDict\n](" + pairs + b"e\x85R.", {"s": [0, 1, 2, 3, 4, 5]})
twin("python-2", safe=False)
# The first tensors were objects of a class, whose state is set; parameters wrapped them.
state = b"(" + storage("a", 4, "FloatStorage", "torch.cuda") + rebuilt(b"", 1, [3], [1]) + b"t"
old = b"ctorch.cuda\nFloatTensor\n)\x81" + state + b"b"
wrapped = b"ctorch.nn.parameter\nParameter\n" + tensor(storage("a", 4), 0, [2, 2], [1, 2]) + b"\x85\x81"
legacy("classes", b"\x80\x02}(" + text("old") + old + text("wrapped") + wrapped + b"u.", {"a": [0, 1, 2, 3]})
numbers = torch.arange(4, dtype=torch.float32)
save_file({"old": numbers[1:].clone(), "wrapped": numbers.reshape(2, 2).t().contiguous()}, path("kinds/classes.safetensors"))


def refuse(name, value, **options):
    torch.save(value, path(f"refused/{name}.pth"), **options)


class Net(torch.nn.Module):
    def forward(self, x):
        return x


one = torch.ones(2)
refuse("complex", {"a.b": torch.ones(2, dtype=torch.complex64)})
refuse("conjugate", {"c": torch.ones(2, dtype=torch.complex64).conj()})
refuse("float8", {"f": torch.ones(2).to(torch.float8_e4m3fn)})
refuse("quantized", {"q": torch.quantize_per_tensor(one, 0.1, 0, torch.qint8)})
refuse("sparse", {"s": one.to_sparse()})
refuse("meta", {"m": torch.ones(2, device="meta")})
refuse("nested", {"n": torch.nested.nested_tensor([one, one])})
refuse("dotted-names", {"a": {"b": one}, "a.b": torch.zeros(2)})
refuse("number-names", {"x": {0: one, "0": torch.zeros(2)}})
refuse("item-names", {"x": [one], "x.0": torch.zeros(2)})
refuse("endless", {"e": torch.ones(1).expand(1 << 20, 1 << 20)})
refuse("many", {str(i): torch.ones(1).expand(1 << 19, 1 << 8) for i in range(8)})
refuse("model", Net())
refuse("empty", {"epoch": 3})
refuse("named-text", {"arguments": collections.UserString("x"), "w": one})
torch.jit.save(torch.jit.script(Net()), path("refused/script.pth"))
with zipfile.ZipFile(path("refused/compressed.pth"), "w", zipfile.ZIP_DEFLATED) as archive:
    with zipfile.ZipFile(path("kinds/types.pth")) as plain:
        for item in plain.namelist():
            archive.writestr(item, plain.read(item))
np.savez(path("refused/arrays.npz"), a=np.ones(2))
with open(path("refused/pickle.pth"), "wb") as file:
    pickle.dump({"w": [1.0]}, file, protocol=2)
