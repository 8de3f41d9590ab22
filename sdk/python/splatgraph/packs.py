"""Nodes of packs, to build graphs in code:

    from splatgraph import Graph, packs

    load = packs.std.LoadImage(path="cat.jpg")
    small = packs.std.Resize(image=load, width=256, height=256)
    graph = packs.graph(inputs={"image": load.input("path")}, outputs={"small": small})
    graph.run(image="dog.jpg")["small"]

`python -m splatgraph.stubs` writes files with which editors complete the nodes of all packs and their inputs.
"""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping, NamedTuple, Optional

from ._convert import is_value, text_of
from ._errors import Error
from ._graph import Graph
from ._session import Session, session as default_session


class Output(NamedTuple):
    """An output of a node, which inputs of other nodes take."""

    node: "Node"
    name: str


class Input(NamedTuple):
    """An input of a node, for the named inputs of a graph."""

    node: "Node"
    name: str


class Node:
    """A node of a graph that is being built. Its outputs are its attributes. A node with one output stands for this output."""

    def __init__(self, class_type: str, inputs: dict[str, Any], outputs: list[str], id: Optional[str], known: list[str]):
        self._class, self._inputs, self._outputs, self._id, self._known = class_type, inputs, outputs, id, known

    def __getattr__(self, name: str) -> Output:
        if name.startswith("_") or name not in self._outputs:
            raise AttributeError(f"{self._class}: expected an output ({', '.join(self._outputs) or 'it has none'}), got {name!r}")
        return Output(self, name)

    def output(self, name: str) -> Output:
        """An output whose name is also one of this class."""
        return self.__getattr__(name)

    def input(self, name: str) -> Input:
        """An input, for the named inputs of a graph."""
        if name not in self._known:
            raise Error(f"{self._class}: expected an input ({', '.join(self._known)}), got {name!r}")
        return Input(self, name)

    def __repr__(self) -> str:
        return f"<{self._class} -> {', '.join(self._outputs)}>"


class Pack:
    """The nodes of a pack."""

    def __init__(self, id: str, nodes: dict[str, dict[str, Any]]):
        self._id_of_pack, self._nodes = id, nodes

    def __getattr__(self, name: str) -> Any:
        if name not in self._nodes:
            raise AttributeError(f"expected a node of the pack {self._id_of_pack} ({', '.join(self._nodes)}), got {name!r}")
        spec = self._nodes[name]

        def make(*values: Any, id: Optional[str] = None, **inputs: Any) -> Node:
            known = [given["name"] for given in spec.get("inputs", [])]
            if values:
                raise TypeError(f"{self._id_of_pack}.{name}: expected inputs by their names ({', '.join(known)}), got {values[0]!r:.60}")
            if wrong := next((key for key in inputs if key not in known), None):
                raise TypeError(f"{self._id_of_pack}.{name}: expected inputs of the node ({', '.join(known)}), got {wrong!r}")
            return Node(f"{self._id_of_pack}.{name}", inputs, [given["name"] for given in spec.get("outputs", [])], id, known)

        make.__name__, make.__doc__ = name, _help(spec)
        return make

    def __dir__(self) -> Iterable[str]:
        return list(self._nodes)


def _help(spec: Mapping[str, Any]) -> str:
    lines = [spec.get("help", ""), ""]
    for title, sockets in (("Inputs", spec.get("inputs", [])), ("Outputs", spec.get("outputs", []))):
        if sockets:
            lines += [f"{title}:"] + [f"    {socket['name']} ({socket['type']}): {socket.get('help', '')}" for socket in sockets]
    return "\n".join(lines)


def of(session: Session) -> Any:
    """The packs of another session than that of the process."""
    return _Packs(session)


class _Packs:
    def __init__(self, session: Session):
        self._session = session

    def __getattr__(self, name: str) -> Pack:
        return _pack(name, self._session)


def _pack(name: str, session: Session) -> Pack:
    found = session.packs
    if name not in found:
        raise AttributeError(f"expected a pack ({', '.join(found)}), got {name!r}")
    return Pack(name, {node["name"]: node for node in found[name]["nodes"]})


def __getattr__(name: str) -> Pack:
    if name.startswith("_"):
        raise AttributeError(name)
    return _pack(name, default_session())


def graph(*, outputs: Mapping[str, Any] = {}, inputs: Mapping[str, Any] = {}, nodes: Iterable[Node] = (), title: str = "",
          session: Optional[Session] = None) -> Graph:
    """A graph of the nodes that `outputs` and `nodes` need.

    Args:
        outputs: Names for outputs: `{"image": decode.image}`.
        inputs: Names for inputs: `{"image": load.input("path")}`, or for several that are set together `{"seed": [a.input("seed"), ...]}`.
        nodes: Nodes that are run for their effect, such as one that saves a picture.
    """
    ids: dict[int, str] = {}
    written: dict[str, dict[str, Any]] = {}

    def add(node: Node) -> str:
        if key := ids.get(id(node)):
            return key
        base = node._id or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", node._class.rpartition(".")[2]).lower()
        taken, number, key = set(ids.values()), 2, base
        while key in taken:
            if node._id:
                raise Error(f"expected different ids, got two nodes with the id {base!r}")
            key, number = f"{base}_{number}", number + 1
        ids[id(node)] = key
        values = {name: source(value, f"{key}.{name}") for name, value in node._inputs.items() if value is not None}
        written[key] = {"class_type": node._class, "inputs": values}
        return key

    def link(value: Any, place: str) -> list[str]:
        if isinstance(value, Node):
            if len(value._outputs) != 1:
                raise Error(f"{place}: expected one output of {value._class} ({', '.join(value._outputs)}), got the node")
            value = Output(value, value._outputs[0])
        return [add(value.node), value.name]

    def source(value: Any, place: str) -> Any:
        if isinstance(value, (Node, Output)):
            return link(value, place)
        if isinstance(value, list) and value and all(isinstance(item, (Node, Output)) for item in value):
            return [link(item, place) for item in value]
        if is_value(value):
            raise Error(f"{place}: expected a value that JSON can hold, got an array; supply it when the graph runs: supply={{{place!r}: array}}")
        if isinstance(value, (list, tuple)):
            return {"__value__": list(value)}
        return value if isinstance(value, (bool, int, float, str, dict)) else text_of(value, place)

    def targets(value: Any, name: str) -> Any:
        many = value if isinstance(value, list) else [value]
        if not all(isinstance(item, Input) for item in many):
            raise Error(f"the named input {name}: expected node.input(\"name\"), got {value!r}")
        found = [f"{add(item.node)}.{item.name}" for item in many]
        return found if len(found) > 1 else found[0]

    results = {name: link(value, name) for name, value in outputs.items()}
    for node in nodes:
        add(node)
    names = {name: targets(value, name) for name, value in inputs.items()}
    json = {"version": 1, "inputs": names, "outputs": results, "nodes": written}
    return Graph({**({"title": title} if title else {}), **json}, session)
