"""Node packs for Splatgraph in Python.

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

try:
    import numpy as _numpy
except ImportError as error:
    raise ImportError("splatgraph needs numpy in this Python: pip install numpy") from error

from ._node import Choice, Model, Range, Read, ReadDir, Write, node
from ._types import Canvas, FeatureMap, Features, Image, Layout, Mask, Selection, Tokens
from ._run import Cancelled, Ctx

__all__ = [
    "Cancelled", "Canvas", "Choice", "Ctx", "FeatureMap", "Features", "Image", "Layout", "Mask", "Model", "Range", "Read", "ReadDir",
    "Selection", "Tokens", "Write", "node",
]
