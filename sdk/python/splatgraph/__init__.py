"""Splatgraph in Python: runs graphs, and makes nodes of functions.

# Running graphs

    from splatgraph import Graph

    graph = Graph("reconstruct")
    result = graph.run(image="cat.jpg", tokens=64, take=["decode.image"])
    result["psnr"], result["decode.image"]

`Graph` has the rest: values in and out as arrays without a copy, progress, batches. `splatgraph.packs` builds graphs in code.

# Packs

A function with `@node` is a node of a graph. Its annotations are its sockets, and its docstring is its help:

    from typing import Annotated
    import numpy as np
    from splatgraph import Image, Range, node

    @node
    def brighten(image: Image, gain: Annotated[float, Range(0, 10), "What each value is multiplied with."] = 1.5) -> Image:
        "Makes a picture brighter."
        return np.clip(image * gain, 0, 1)

`splatgraph packs add bright.py` makes the pack `bright` of such a file, whose node is then `bright.Brighten` in graphs.

Tensors are numpy arrays in memory that the host shares, so nothing is copied on the way in. Such arrays are read-only. The host
copies a result once.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

try:
    import numpy as _numpy
except ImportError as error:
    raise ImportError("splatgraph needs numpy in this Python: pip install numpy") from error

from ._errors import Cancelled, Error, GraphError, RunError
from ._files import open_file
from ._node import Choice, Model, Range, Read, ReadDir, Write, node
from ._types import Canvas, FeatureMap, Features, Image, Layout, Mask, Selection, Tokens
from ._run import Ctx

if _TYPE_CHECKING:
    from . import packs
    from ._convert import Opaque, Record
    from ._graph import Graph, Result, Summary
    from ._progress import Event
    from ._session import Session

__all__ = [
    "Cancelled", "Canvas", "Choice", "Ctx", "Error", "Event", "FeatureMap", "Features", "Graph", "GraphError", "Image", "Layout", "Mask",
    "Model", "Opaque", "Range", "Read", "ReadDir", "Record", "Result", "RunError", "Selection", "Session", "Summary", "Tokens", "Write",
    "node", "open_file", "packs",
]

_RUNS = {"Graph": "_graph", "Result": "_graph", "Summary": "_graph", "Session": "_session", "Event": "_progress", "Opaque": "_convert",
         "Record": "_convert", "packs": "packs"}
"""What runs graphs, with its modules. Packs do not need it, and a Python that only runs packs does not have it."""


def __getattr__(name: str):
    if name not in _RUNS:
        raise AttributeError(f"module 'splatgraph' has no attribute {name!r}")
    from importlib import import_module

    try:
        module = import_module(f".{_RUNS[name]}", __name__)
    except ImportError as error:
        if "cannot import name '_host'" not in str(error):
            raise
        raise ImportError(f"splatgraph.{name} needs the host in this Python; install a wheel of splatgraph with pip") from error
    return module if name == "packs" else getattr(module, name)
