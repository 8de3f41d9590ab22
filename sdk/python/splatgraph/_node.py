"""Turns functions into nodes: annotations become sockets, docstrings help."""

import inspect
import keyword
import re
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional, Union

import numpy as np

from ._types import NAMES


@dataclass(frozen=True)
class Range:
    """The smallest and the largest number of an input, in `Annotated[float, Range(0, 1)]`."""

    min: Optional[float] = None
    max: Optional[float] = None


@dataclass(frozen=True)
class Choice:
    """A text that an input takes, with its help: `Annotated[str, Choice("near", "The nearest."), Choice("far")]`."""

    name: str
    help: str = ""


@dataclass(frozen=True)
class Read:
    """The input is the path of a file to read, which the host makes absolute: `Annotated[str, Read("npz")]`."""

    extensions: tuple[str, ...] = ()

    def __init__(self, *extensions: str):
        object.__setattr__(self, "extensions", extensions)


class ReadDir(Read):
    """The input is the path of a folder to read."""


class Write(Read):
    """The input is the path of a file to write."""


class Model(Read):
    """The input is the path of a model, which the host also looks for in the folders of models."""


@dataclass
class Socket:
    """An input or output, and how its values look in Python."""

    name: str
    kind: Any
    """A standard type, int, float, bool, str, dict for JSON, or a class of the pack."""
    spec: dict[str, Any]
    is_list: bool = False


@dataclass
class Node:
    """A node of the pack."""

    name: str
    run: Callable
    inputs: list[Socket]
    outputs: list[Socket]
    context: Optional[str]
    """The parameter that takes the context."""
    spec: dict[str, Any]


NODES: dict[str, Node] = {}
"""The nodes of the file that is loaded, by name."""

# `int | None` is a type of its own since Python 3.10.
UNIONS = (Union, getattr(types, "UnionType", Union))
SCALARS = {bool: "BOOLEAN", int: "INT", float: "FLOAT", str: "STRING", Path: "STRING", dict: "JSON", Any: "*"}
PATHS = {Read: "read", ReadDir: "read_dir", Write: "write", Model: "model"}


def node(function: Optional[Callable] = None, *, name: Optional[str] = None, category: str = "", output: bool = False,
         saves: bool = False, version: int = 1) -> Callable:
    """Makes a node of a function.

    Args:
        name: The name of the class in graphs; by default that of the function, `make_noise` as `MakeNoise`.
        category: A menu path, such as `Image/Transform`.
        output: Whether the node has an effect besides its results, such as a file. Such a node always runs. A node that writes a path
            or returns nothing is one.
        saves: Whether the node saves its work when the run is cancelled. The host waits for such a node.
        version: Raise it when the same inputs give another result.
    """
    def make(function: Callable) -> Callable:
        made = _node(function, name or "".join(part.capitalize() for part in function.__name__.split("_")))
        has_effect = output or not made.outputs or any(socket.spec.get("path") == "write" for socket in made.inputs)
        made.spec.update(category=category, output=has_effect, saves=saves, version=version)
        if made.name in NODES:
            raise TypeError(f"expected nodes with different names, got two of the name {made.name}")
        NODES[made.name] = made
        return function

    return make(function) if function else make


def _node(function: Callable, name: str) -> Node:
    from ._run import Ctx

    hints = typing.get_type_hints(function, include_extras=True)
    inputs, context = [], None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"{function.__name__}: expected parameters with names, got *{parameter.name}")
        if parameter.name not in hints:
            raise TypeError(f"{function.__name__}: expected a type for the parameter `{parameter.name}`, got none; "
                            f"write `{parameter.name}: Image`")
        hint = hints[parameter.name]
        if hint is Ctx:
            context = parameter.name
            continue
        socket = _socket(input_of(parameter.name), hint, f"{function.__name__}: the parameter `{parameter.name}`")
        if parameter.default is not parameter.empty:
            if parameter.default is None:
                socket.spec["optional"] = True
            else:
                socket.spec["default"] = parameter.default
        inputs.append(socket)
    outputs = _outputs(function, hints)
    help = inspect.cleandoc(function.__doc__ or "")
    spec = {"name": name, "help": help, "inputs": [socket.spec for socket in inputs], "outputs": [socket.spec for socket in outputs]}
    return Node(name, function, inputs, outputs, context, spec)


def input_of(parameter: str) -> str:
    """The input of a parameter. `class` can't be the name of a parameter, so `class_` is the input `class`."""
    name = parameter.removesuffix("_")
    return name if keyword.iskeyword(name) else parameter


def parameter_of(input: str) -> str:
    """The parameter of an input."""
    return f"{input}_" if keyword.iskeyword(input) else input


def _outputs(function: Callable, hints: dict[str, Any]) -> list[Socket]:
    if "return" not in hints:
        raise TypeError(f"{function.__name__}: expected the type of the result, got none; write `-> Image`, or `-> None`")
    result = hints["return"]
    where = f"{function.__name__}: the result"
    if result is type(None):
        return []
    if inspect.isclass(result) and issubclass(result, tuple) and hasattr(result, "_fields"):
        fields = typing.get_type_hints(result, include_extras=True)
        return [_result(name, fields[name], where) for name in result._fields]
    parts = typing.get_args(result) if typing.get_origin(result) is tuple else (result,)
    sockets = [_result("", part, where) for part in parts]
    used: dict[str, int] = {}
    for socket in sockets:
        base = re.sub(r"\W+", "_", socket.spec["type"].lower()).strip("_") or "value"
        used[base] = used.get(base, 0) + 1
        socket.name = socket.spec["name"] = base if used[base] == 1 else f"{base}_{used[base]}"
    return sockets


def _result(name: str, hint: Any, where: str) -> Socket:
    socket = _socket(name, hint, where)
    if socket.kind is object:
        raise TypeError(f"{where}: expected one type, got {hint}")
    return socket


def _socket(name: str, hint: Any, where: str) -> Socket:
    """The socket for an annotation."""
    spec: dict[str, Any] = {"name": name}
    if typing.get_origin(hint) is typing.Annotated:
        hint, *notes = typing.get_args(hint)
        for note in notes:
            _add_note(spec, note, where)
    if typing.get_origin(hint) in UNIONS:
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        if len(kinds) < len(typing.get_args(hint)):
            spec["optional"] = True
        if len(kinds) == 1:
            inner = _socket(name, kinds[0], where)
            return Socket(name, inner.kind, {**inner.spec, **spec}, inner.is_list)
        if not set(kinds) <= {bool, int, float, str}:
            raise TypeError(f"{where}: expected one type, or a union of bool, int, float and str, got {hint}")
        return Socket(name, object, {**spec, "type": ",".join(SCALARS[kind] for kind in kinds)})
    if typing.get_origin(hint) is list:
        inner = _socket(name, typing.get_args(hint)[0], where)
        return Socket(name, inner.kind, {**inner.spec, **spec, "list": True}, True)
    if typing.get_origin(hint) is typing.Literal:
        choices = typing.get_args(hint)
        if not all(isinstance(choice, str) for choice in choices):
            raise TypeError(f"{where}: expected texts in Literal, got {hint}")
        spec.setdefault("choices", [{"name": choice} for choice in choices])
        return Socket(name, str, {**spec, "type": "STRING"})
    kind = typing.get_origin(hint) or hint
    if kind in SCALARS:
        return Socket(name, kind, {**spec, "type": SCALARS[kind]})
    if kind in NAMES:
        return Socket(name, kind, {**spec, "type": NAMES[kind]})
    if kind is np.ndarray:
        raise TypeError(f"{where}: expected a type of graphs, such as Image or Mask, got a plain array")
    if inspect.isclass(kind) and kind.__module__ != "builtins":
        # An object that only this pack understands.
        return Socket(name, kind, {**spec, "type": re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind.__name__).upper()})
    raise TypeError(f"{where}: expected a type of graphs, int, float, bool, str, dict, a list or a class of this pack, got {hint}")


def _add_note(spec: dict[str, Any], note: Any, where: str) -> None:
    if isinstance(note, str):
        spec["help"] = note
    elif isinstance(note, Range):
        spec.update({key: value for key, value in (("min", note.min), ("max", note.max)) if value is not None})
    elif isinstance(note, Choice):
        spec.setdefault("choices", []).append({"name": note.name, "help": note.help})
    elif isinstance(note, Read):
        spec["path"] = PATHS[type(note)]
        spec["extensions"] = list(note.extensions)
    else:
        raise TypeError(f"{where}: expected Range, Choice, Read, ReadDir, Write, Model or a text in Annotated, got {note!r}")
