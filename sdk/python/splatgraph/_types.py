"""The standard types of graphs, as Python sees them.

A type with one tensor is a numpy array of float32. A type with more is an object with an attribute for each tensor and `header`, a
dict of facts about the canvas. sdk/src/types.rs describes fields, shapes and ranges.
"""

from dataclasses import dataclass, field
from typing import Any, Optional

import numpy as np

Canvas = dict[str, Any]
"""The header of a value: canvas, tiles, ... Pass it on unchanged, unless you know what it says."""


class Image(np.ndarray):
    """Pictures in sRGB, 0..1; a byte v is v/255. A plain array of float32, [B, H, W, 3], stands for it."""

    fields = {"image": "float32"}
    axes = "[B, H, W, 3]"

    def _repr_png_(self) -> Optional[bytes]:
        """How a notebook shows pictures: side by side."""
        from ._png import png

        return png(self) if self.ndim == 4 and self.shape[3] == 3 and self.size else None


class Mask(np.ndarray):
    """A weight for each pixel, 0..1: float32 [B, H, W]."""

    fields = {"mask": "float32"}
    axes = "[B, H, W]"


class Features(np.ndarray):
    """The feature map of an encoder: float32 [B, C, H, W]."""

    fields = {"features": "float32"}
    axes = "[B, C, H, W]"


class Selection(np.ndarray):
    """A weight for each token, 0..1: float32 [B, N]."""

    fields = {"selected": "float32"}
    axes = "[B, N]"


@dataclass
class Layout:
    """The gaussians of a picture, without textures."""

    gaussians: np.ndarray
    """float32 [B, N, 5]: sigma_x, sigma_y, rho, x, y, in units of half the canvas."""
    regions: Optional[np.ndarray] = None
    """float32 [B, N, 4]: x0, y0, x1, y1, inclusive corners."""
    header: Canvas = field(default_factory=dict)

    fields = {"gaussians": "float32", "regions": "float32"}


@dataclass
class Tokens:
    """A picture as gaussians with textures."""

    gaussians: np.ndarray
    """float32 [B, N, 5]: sigma_x, sigma_y, rho, x, y, in units of half the canvas."""
    textures: np.ndarray
    """float32 [B, N, C]"""
    counts: Optional[np.ndarray] = None
    """int64 [B]: the number of tokens of each picture. Rows past it are padding."""
    header: Canvas = field(default_factory=dict)

    fields = {"gaussians": "float32", "textures": "float32", "counts": "int64"}


@dataclass
class FeatureMap:
    """The result of a splat: textures spread over a map."""

    map: np.ndarray
    """float32 [B, C, h, w]"""
    header: Canvas = field(default_factory=dict)

    fields = {"map": "float32"}


NAMES = {
    Image: "IMAGE", Mask: "MASK", Features: "FEATURES", Selection: "SELECTION", Layout: "LAYOUT", Tokens: "TOKENS",
    FeatureMap: "FEATURE_MAP",
}
"""The standard types with their names in graphs."""


def is_plain(kind: type) -> bool:
    """Whether a type is one array."""
    return issubclass(kind, np.ndarray)


def of_record(kind: type, name: str, fields: dict[str, np.ndarray], header: Canvas) -> Any:
    """The value of a standard type in a record."""
    missing = [field for field in kind.fields if field not in fields and field not in ("regions", "counts")]
    if missing:
        raise TypeError(f"expected {NAMES[kind]}, got {name or 'a record'} without the field `{missing[0]}`")
    arrays = {field: as_type(fields[field], dtype) for field, dtype in kind.fields.items() if field in fields}
    return next(iter(arrays.values())) if is_plain(kind) else kind(**arrays, header=header)


DTYPES = {
    "f64": "<f8", "f32": "<f4", "f16": "<f2", "i64": "<i8", "i32": "<i4", "i16": "<i2", "i8": "<i1", "u64": "<u8", "u32": "<u4",
    "u16": "<u2", "u8": "<u1", "bool": "?",
}
"""The host's names of element types, and numpy's."""

DTYPE_NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}


def numpy_of(value: Any) -> np.ndarray:
    """A numpy array in the same memory, if the library of the value allows it. Tensors of PyTorch go to the processor."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        # numpy has no such type.
        value = value.float() if str(value.dtype) == "torch.bfloat16" else value
    if hasattr(value, "__array_interface__") or not hasattr(value, "__dlpack__"):
        return np.asarray(value)
    return np.from_dlpack(value)


def of_bfloat16(bits: np.ndarray) -> np.ndarray:
    """float32 of the bits of bfloat16, which numpy does not have."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def as_type(array: Any, dtype: str) -> np.ndarray:
    """A contiguous array of a type. Arrays of other libraries become numpy arrays."""
    return np.ascontiguousarray(numpy_of(array), dtype=dtype)


def to_record(kind: type, value: Any) -> tuple[dict[str, np.ndarray], Canvas]:
    """The fields and the header of a value of a standard type."""
    if is_plain(kind):
        (name, dtype), = kind.fields.items()
        array = as_type(value, dtype)
        axes = kind.axes.strip("[]").split(", ")
        fits = array.ndim == len(axes) and all(not axis.isdigit() or int(axis) == side for axis, side in zip(axes, array.shape))
        if not fits:
            raise TypeError(f"expected {NAMES[kind]} of the shape {kind.axes}, got {list(array.shape)}")
        return {name: array}, {}
    if not isinstance(value, kind):
        raise TypeError(f"expected an object of the type {kind.__name__}, got {type(value).__name__}")
    arrays = {name: getattr(value, name) for name in kind.fields}
    return {name: as_type(array, kind.fields[name]) for name, array in arrays.items() if array is not None}, value.header
