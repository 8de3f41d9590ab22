"""Runs the nodes of a pack for the host."""

import dataclasses
import json
import math
import os
import threading
import traceback
from typing import Any, Optional

import numpy as np

from . import _types
from ._channel import Channel, Gone, bits_of, float_of
from ._errors import Cancelled
from ._node import Node, Socket, parameter_of
from ._types import DTYPE_NAMES


def shortened(text: Any, most: int = 4000) -> str:
    """A text for people, shortened so that a message has room for it."""
    text = str(text)
    return text if len(text) <= most else f"{text[:most]} ... (the first {most} of {len(text)} characters)"


class Ctx:
    """What a running node may ask of its host: a parameter `ctx: Ctx` gets it."""

    def __init__(self, service: "Service", call: int, settings: str):
        self._service, self._call, self._settings = service, call, settings
        self._cancelled = threading.Event()

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the run: `threads`, `device`, `precision`, ..."""
        return json.loads(self._settings)

    @property
    def cancelled(self) -> bool:
        """Whether the user cancelled the run."""
        return self._cancelled.is_set()

    def step(self, done: int, total: int, note: str = "") -> None:
        """Reports `done` of `total` steps. Raises `Cancelled` if the user cancelled the run. It is cheap: call it often."""
        done, total = (min(max(int(number), 0), (1 << 64) - 1) for number in (done, total))
        self._service.channel.send({"progress": {"call": self._call, "done": done, "total": total, "note": shortened(note)}})
        self.check()

    def check(self) -> None:
        """Raises `Cancelled` if the user cancelled the run."""
        if self.cancelled:
            raise Cancelled("cancelled")

    @property
    def wants_previews(self) -> bool:
        """Whether somebody looks at previews. Make none if not."""
        return self.settings.get("previews") is True

    @property
    def wants_drafts(self) -> bool:
        """Whether somebody waits for the result and looks at a coarse one meanwhile, if it comes much sooner. Show it with `preview`."""
        return self.settings.get("drafts") is True

    def preview(self, image: Any) -> None:
        """Shows a picture, float32 [1, H, W, 3], while the node runs."""
        socket = Socket("preview", _types.Image, {"type": "IMAGE"})
        value = self._service.encode([(socket, image)])[0]
        self._service.channel.send({"preview": {"call": self._call, "value": value}})

    def info(self, text: Any) -> None:
        """Writes a line to the log."""
        self._log("info", text)

    def warn(self, text: Any) -> None:
        """Writes a warning to the log: the result may not be what the user wants."""
        self._log("warn", text)

    def _log(self, level: str, text: Any) -> None:
        self._service.channel.send({"log": {"call": self._call, "level": level, "text": shortened(text)}})


class Opaque:
    """An object of another pack."""

    def __init__(self, name: str):
        self.name = name


class Service:
    """The nodes of a pack, for a host."""

    def __init__(self, channel: Channel, nodes: dict[str, Node], file: str):
        self.channel, self.nodes, self.file = channel, nodes, file
        self.objects: dict[int, Any] = {}
        self.next_object = iter(range(1, 1 << 62))
        self.calls: dict[int, Ctx] = {}

    def listen(self) -> None:
        """Serves until the host is gone."""
        while message := self.channel.read():
            message, files = message
            if self.channel.take_in(message, files):
                continue
            (kind, about), = message.items()
            if kind == "run":
                ctx = Ctx(self, about["call"], about["settings"])
                self.calls[about["call"]] = ctx
                # The buffers of the inputs are known now, and may be forgotten later.
                inputs = self.decode(about["inputs"])
                work = (about["node"], ctx, inputs)
                del inputs
                threading.Thread(target=self.run, args=work, name="node", daemon=True).start()
                del work
            elif kind == "cancel":
                if ctx := self.calls.get(about["call"]):
                    ctx._cancelled.set()
            elif kind == "drop":
                for id in about.get("objects", ()):
                    self.objects.pop(id, None)
            elif kind == "devices":
                self.channel.send({"devices": {"call": about["call"], "devices": []}})
            elif kind == "field":
                self.answer_field(about["call"], about["object"], about["field"])
            elif kind == "web_file":
                self.channel.send({"done": {"call": about["call"], "outputs": ["nothing"]}})

    def run(self, name: str, ctx: Ctx, inputs: list[Any]) -> None:
        """Runs a node, and sends what came of it."""
        try:
            try:
                node = self.nodes[name]
                given = {}
                for at, socket in enumerate(node.inputs):
                    try:
                        value = self.value(socket, inputs[at])
                    except TypeError as error:
                        return self.fail(ctx._call, error, "bad_input", socket.name)
                    # An input that is left out has the default of the function.
                    if value is not None:
                        given[parameter_of(socket.name)] = value
                    elif socket.spec.get("optional") and "default" not in socket.spec:
                        given[parameter_of(socket.name)] = None
                inputs.clear()
                if node.context:
                    given[node.context] = ctx
                result = node.run(**given)
                del given
                if len(node.outputs) == 1 and not _is_named(result):
                    result = (result,)
                elif not node.outputs:
                    result = ()
                if not isinstance(result, (tuple, list)) or len(result) != len(node.outputs):
                    raise TypeError(f"expected {len(node.outputs)} results, as the function says, got {result!r:.200}")
                outputs = self.encode(list(zip(node.outputs, result)))
                self.channel.send({"done": {"call": ctx._call, "outputs": outputs}})
            except Cancelled as error:
                self.fail(ctx._call, error, "cancelled")
            except Gone:
                raise
            except BaseException as error:
                self.fail(ctx._call, error)
        except Gone:
            os._exit(1)
        finally:
            self.calls.pop(ctx._call, None)

    def answer_field(self, call: int, object: int, field: str) -> None:
        """Sends a field of an object that this process holds."""
        try:
            arrays, about = [], []
            record = record_of("", {field: fields_of(self.objects[object])[field]}, {}, arrays, about)
            self.place(arrays, about)
            self.channel.send({"done": {"call": call, "outputs": [record]}})
        except KeyError:
            self.fail(call, TypeError(f"expected a field of an object of this pack, got `{field}`"))
        except MemoryError as error:
            self.fail(call, error)

    def fail(self, call: int, error: BaseException, code: str = "failed", input: Optional[str] = None) -> None:
        message = str(error) if isinstance(error, Cancelled) else f"{type(error).__name__}: {error}"
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if os.path.abspath(frame.filename) == self.file]
        location = f"{os.path.basename(own[-1].filename)}:{own[-1].lineno}" if own else ""
        detail = "".join(traceback.format_exception(error)) if code == "failed" else ""
        about = {"code": code, "message": shortened(message), "location": location, "input": input, "detail": shortened(detail, 32 << 10)}
        self.channel.send({"failed": {"call": call, "error": about}})

    # Values

    def decode(self, wires: list[Any]) -> list[Any]:
        loans: dict[int, np.ndarray] = {}
        return [self.decode_one(wire, loans) for wire in wires]

    def decode_one(self, wire: Any, loans: dict[int, np.ndarray]) -> Any:
        """A record stays a pair of its message and its arrays, until the type of its socket is known."""
        if wire == "nothing":
            return None
        (kind, value), = wire.items()
        if kind == "float":
            return float_of(value)
        if kind == "json":
            return json.loads(value)
        if kind == "list":
            return [self.decode_one(item, loans) for item in value]
        if kind == "record":
            return value, {field["name"]: self.channel.array(field, loans) for field in value["fields"]}
        if kind == "held":
            return self.objects[value]
        if kind == "foreign":
            return Opaque(value)
        return value

    def value(self, socket: Socket, value: Any) -> Any:
        """A decoded value as the function wants it."""
        if value is None:
            return None
        if socket.is_list:
            items = value if isinstance(value, list) else [value]
            return [self.value(Socket(socket.name, socket.kind, socket.spec), item) for item in items]
        if socket.kind in _types.NAMES:
            if not (isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], dict)):
                raise TypeError(f"expected {_types.NAMES[socket.kind]}, got {_name(value)}")
            record, arrays = value
            if record["type"] not in (_types.NAMES[socket.kind], ""):
                raise TypeError(f"expected {_types.NAMES[socket.kind]}, got {record['type']}")
            return _types.of_record(socket.kind, record["type"], arrays, json.loads(record["header"]))
        if socket.kind is float and isinstance(value, int):
            return float(value)
        if isinstance(socket.kind, type) and socket.spec["type"] not in ("JSON", "STRING", "*") and not isinstance(value, socket.kind):
            wanted = socket.spec["type"]
            elsewhere = f"expected a {wanted} made by this pack, got one from elsewhere"
            raise TypeError(elsewhere if _name(value) == wanted else f"expected {wanted}, got {_name(value)}")
        return socket.kind(value) if socket.spec["type"] == "STRING" else value

    def encode(self, values: list[tuple[Socket, Any]]) -> list[Any]:
        """Messages for values. All arrays of a message share one buffer."""
        arrays: list[np.ndarray] = []
        fields: list[dict[str, Any]] = []
        wires = [self.encode_one(socket, value, arrays, fields) for socket, value in values]
        self.place(arrays, fields)
        return wires

    def place(self, arrays: list[np.ndarray], fields: list[dict[str, Any]]) -> None:
        """Lends the arrays of a message to the host, and notes in their fields where they are."""
        if arrays:
            buffer, places = self.channel.lend(arrays)
            for field, place in zip(fields, places):
                field.update(buffer=buffer, offset=place)

    def encode_one(self, socket: Socket, value: Any, arrays: list[np.ndarray], fields: list[dict[str, Any]]) -> Any:
        if value is None:
            return "nothing"
        if socket.is_list and isinstance(value, (list, tuple)):
            inner = Socket(socket.name, socket.kind, socket.spec)
            return {"list": [self.encode_one(inner, item, arrays, fields) for item in value]}
        if socket.kind in _types.NAMES:
            named, header = _types.to_record(socket.kind, value)
            return record_of(_types.NAMES[socket.kind], named, header, arrays, fields)
        kind = socket.spec["type"]
        if kind in ("BOOLEAN", "JSON", "*") and isinstance(value, (bool, np.bool_)):
            return {"bool": bool(value)}
        if kind in ("INT", "JSON", "*") and isinstance(value, (int, np.integer)) and not isinstance(value, bool):
            return {"int": int(value)}
        if kind in ("FLOAT", "JSON", "*") and isinstance(value, (int, float, np.integer, np.floating)):
            return {"float": bits_of(value)}
        if kind in ("STRING", "JSON", "*") and isinstance(value, (str, os.PathLike)):
            text = os.fspath(value)
            text.encode()
            return {"text": text}
        if kind in ("JSON", "*") and isinstance(value, (dict, list, tuple)):
            return {"json": json.dumps(value, allow_nan=False)}
        if isinstance(socket.kind, type) and isinstance(value, socket.kind):
            id = next(self.next_object)
            self.objects[id] = value
            return {"object": {"id": id, "type": socket.spec["type"], "about": json.dumps(describe(value))}}
        raise TypeError(f"expected {socket.spec['type']} for the result `{socket.name}`, got {type(value).__name__}")


def record_of(type: str, named: dict[str, np.ndarray], header: dict[str, Any], arrays: list[np.ndarray],
              fields: list[dict[str, Any]]) -> dict[str, Any]:
    """The message for a record. Adds its arrays, and their fields, to those of the whole message."""
    about = []
    for name, array in named.items():
        field = {"name": name, "dtype": DTYPE_NAMES[array.dtype], "shape": list(array.shape), "buffer": None, "offset": 0}
        about.append(field)
        if array.nbytes:
            arrays.append(array)
            fields.append(field)
    return {"record": {"type": type, "header": json.dumps(header, allow_nan=False), "fields": about}}


def attributes(value: Any) -> dict[str, Any]:
    """The public attributes of an object, without those that are computed when they are read."""
    if dataclasses.is_dataclass(value):
        named = {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    else:
        named = getattr(value, "__dict__", {})
    return {name: item for name, item in named.items() if not name.startswith("_")}


def fields_of(value: Any) -> dict[str, np.ndarray]:
    """The attributes of an object that are arrays of a type that graphs know."""
    return {name: item for name, item in attributes(value).items() if isinstance(item, np.ndarray) and item.dtype in DTYPE_NAMES}


def describe(value: Any) -> dict[str, Any]:
    """What the host knows of an object: its arrays are fields, its numbers and texts are the header."""
    fields = fields_of(value)
    plain = {name: item for name, item in attributes(value).items() if isinstance(item, (bool, int, float, str))}
    return {
        "fields": {name: {"dtype": DTYPE_NAMES[array.dtype], "shape": list(array.shape)} for name, array in fields.items()},
        "header": {name: item for name, item in plain.items() if not isinstance(item, float) or math.isfinite(item)},
        "device": "cpu",
        "host_bytes": sum(array.nbytes for array in fields.values()),
        "device_bytes": 0,
    }


def _is_named(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _name(value: Any) -> str:
    if isinstance(value, Opaque):
        return value.name
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], dict):
        return value[0].get("type", "a record")
    return {bool: "BOOLEAN", int: "INT", float: "FLOAT", str: "STRING", list: "a list", dict: "JSON"}.get(type(value), type(value).__name__)
