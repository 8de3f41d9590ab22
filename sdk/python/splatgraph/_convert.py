"""Converts values between the host and Python."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

import numpy as np

from . import _host, _types
from ._types import DTYPE_NAMES, Image, Layout, Tokens, numpy_of, of_bfloat16

KINDS = {name: kind for kind, name in _types.NAMES.items()}


@dataclass
class Record:
    """A value of a type that is not a standard type: named arrays and a header."""

    type: str
    fields: dict[str, np.ndarray]
    header: dict[str, Any] = field(default_factory=dict)


class Opaque:
    """A value that only its pack understands, such as a model that is loaded. It can be supplied to another run of its session."""

    def __init__(self, value: "_host.Object"):
        self._value = value

    @property
    def type(self) -> str:
        """The type in graphs: `TOKENIZER`, ..."""
        return self._value.type

    def __repr__(self) -> str:
        return f"<{self.type}>"


def of_host(value: Any) -> Any:
    """A value of the host as Python has it. Arrays lie in the memory of the host and are read-only."""
    if isinstance(value, list):
        return [of_host(item) for item in value]
    if isinstance(value, tuple):
        return json.loads(value[1])
    if not isinstance(value, _host.Object):
        return value
    about = json.loads(value.describe())
    fields = {name: _array(value.field(name)) for name in about.get("fields") or {}}
    header = about.get("header") or {}
    if not fields:
        return Opaque(value)
    if value.type not in KINDS:
        return Record(value.type, fields, header)
    made = _types.of_record(KINDS[value.type], value.type, fields, header)
    return made.view(KINDS[value.type]) if isinstance(made, np.ndarray) else made


def _array(tensor: "_host.Array") -> np.ndarray:
    array = np.asarray(tensor)
    if tensor.dtype == "bf16":
        array = of_bfloat16(array)
    return array


def to_host(value: Any, socket: str, place: str) -> Any:
    """A value for the output or input `place`, which takes the type `socket`."""
    made, name = _made(value, socket, place)
    if name is not None and not {name, "*"} & set(socket.split(",")):
        raise TypeError(f"{place}: expected {socket}, got {name}")
    return made


def _made(value: Any, socket: str, place: str) -> tuple[Any, Optional[str]]:
    """A value for the host and its type; None for a list, which has the types of its items."""
    if isinstance(value, Opaque):
        return value._value, value.type
    if isinstance(value, (list, tuple)) and is_value(value):
        return [to_host(item, socket, place) for item in value], None
    if isinstance(value, Record):
        return _record(value.type, value.fields, value.header), value.type
    kind = next((kind for kind in _types.NAMES if isinstance(value, kind)), None)
    if kind is None and is_array(value):
        kinds = [KINDS[name] for name in socket.split(",") if name in KINDS]
        if len(kinds) != 1:
            raise TypeError(f"{place}: expected {socket}, got a plain array; make it a splatgraph.Image, Mask, Record, ... first")
        kind = kinds[0]
    if kind is None:
        value = value.item() if isinstance(value, np.generic) else value
        name = _scalar(value, socket)
        try:
            return ("json", json.dumps(value)), name
        except TypeError:
            raise TypeError(f"{place}: expected {socket}, got {name}") from None
    if kind is Image:
        value = as_picture(value)
    try:
        fields, header = _types.to_record(kind, numpy_of(value) if _types.is_plain(kind) else value)
    except TypeError as error:
        raise TypeError(f"{place}: {error}") from None
    return _record(_types.NAMES[kind], fields, header), _types.NAMES[kind]


def _scalar(value: Any, socket: str) -> Optional[str]:
    """The type of a value that JSON can hold. A whole number is also a FLOAT."""
    if value is None:
        return None
    if isinstance(value, (list, tuple, dict)):
        return "JSON"
    name = {bool: "BOOLEAN", int: "INT", float: "FLOAT", str: "STRING"}.get(type(value), type(value).__name__)
    return "FLOAT" if name == "INT" and "INT" not in socket else name


def _record(name: str, fields: Mapping[str, Any], header: Mapping[str, Any]) -> Any:
    arrays = {}
    for key, given in fields.items():
        array = _contiguous(numpy_of(given), key)
        if array.dtype not in DTYPE_NAMES:
            raise TypeError(f"expected numbers in the field `{key}`, got an array of {array.dtype}")
        arrays[key] = DTYPE_NAMES[array.dtype], array
    return "record", name, json.dumps(header), arrays


def _contiguous(array: np.ndarray, name: str) -> np.ndarray:
    if not array.flags["C_CONTIGUOUS"] or not array.dtype.isnative or not array.flags["ALIGNED"]:
        logging.getLogger("splatgraph").info("the array `%s` is copied, as its elements do not lie in a row", name)
        array = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return array


def is_array(value: Any) -> bool:
    """Whether a value is an array of numpy, PyTorch or another library, or a picture of Pillow."""
    return any(hasattr(value, name) for name in ("__array_interface__", "__dlpack__", "__array__")) and not isinstance(value, np.generic)


def is_value(value: Any) -> bool:
    """Whether a value takes the place of an output, and is no text for an input."""
    if isinstance(value, (list, tuple)):
        return any(is_value(item) for item in value)
    return isinstance(value, (Opaque, Record, Layout, Tokens, _types.FeatureMap)) or is_array(value)


def as_picture(value: Any) -> np.ndarray:
    """Pictures as float32 [B, H, W, 3]. Bytes are divided by 255, and one picture gets the axis of the batch."""
    array = numpy_of(value)
    if array.dtype == np.uint8:
        array = array.astype(np.float32) / 255
    if array.dtype.kind not in "f":
        raise TypeError(f"expected pictures as numbers in 0..1 or as bytes, got an array of {array.dtype}")
    return array[None] if array.ndim == 3 else array


def text_of(value: Any, name: str) -> str:
    """A value as the text that a command line would have."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value)
    raise TypeError(f"{name}: expected a number, text, path, list, dict or array, got {type(value).__name__}")
