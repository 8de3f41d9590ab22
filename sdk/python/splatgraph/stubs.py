"""Writes type stubs of the nodes of packs, with which editors complete them: `python -m splatgraph.stubs [FOLDER]`.

Without a folder the file goes beside `packs.py`, where editors find it.
"""

from __future__ import annotations

import keyword
import sys
from pathlib import Path
from typing import Any

from ._session import session

TYPES = {"INT": "int", "FLOAT": "float", "BOOLEAN": "bool", "STRING": "str", "JSON": "Any", "*": "Any"}

HEAD = '''# Made by `python -m splatgraph.stubs`.
from os import PathLike
from typing import Any, Iterable, Literal, Mapping, NamedTuple, Optional

from ._graph import Graph
from ._session import Session

class Output(NamedTuple):
    node: "Node"
    name: str

class Input(NamedTuple):
    node: "Node"
    name: str

class Node:
    def output(self, name: str) -> Output: ...
    def input(self, name: str) -> Input: ...

def of(session: Session) -> Any: ...
def graph(
    *, outputs: Mapping[str, Any] = ..., inputs: Mapping[str, Any] = ..., nodes: Iterable[Node] = ..., title: str = ...,
    session: Optional[Session] = ...,
) -> Graph: ...
'''


def stubs(packs: dict[str, dict[str, Any]]) -> str:
    """The text of the stubs for packs, by their manifests."""
    text = HEAD
    for id, pack in packs.items():
        if not id.isidentifier() or keyword.iskeyword(id):
            continue
        text += f"\nclass _{id}:\n"
        for node in pack["nodes"]:
            text += _node(node)
        text += f"{id}: _{id}\n"
    return text


def _node(node: dict[str, Any]) -> str:
    inputs = [given for given in node.get("inputs", []) if given["name"].isidentifier() and not keyword.iskeyword(given["name"])]
    required = [given for given in inputs if not given.get("optional") and "default" not in given]
    optional = [given for given in inputs if given not in required]
    parameters = [f"{given['name']}: {_type(given)}" for given in required]
    parameters += [f"{given['name']}: {_type(given)} = {_default(given)}" for given in optional] + ["id: Optional[str] = None"]
    outputs = "".join(f"        {given['name']}: Output\n" for given in node.get("outputs", []) if given["name"].isidentifier())
    lines = (node.get("help") or node["name"]).strip().splitlines()
    help = "\n".join(f"        {line}".rstrip() for line in lines).strip().replace("\\", "\\\\").replace('"""', "'''")
    return (f"    class _{node['name']}(Node):\n{outputs or '        ...' + chr(10)}"
            f"    def {node['name']}(self, *, {', '.join(parameters)}) -> _{node['name']}:\n        \"\"\"{help}\"\"\"\n")


def _type(given: dict[str, Any]) -> str:
    if choices := given.get("choices"):
        found = f"Literal[{', '.join(repr(choice['name']) for choice in choices)}]"
    elif given.get("path"):
        found = "str | PathLike"
    else:
        known = [TYPES[name] for name in given["type"].split(",") if name in TYPES]
        found = " | ".join(dict.fromkeys(known))
    if given.get("list") and found:
        found = f"list[{found}]"
    links = "list[Node | Output]" if given.get("list") else "Node | Output"
    return " | ".join(part for part in (found, links) if part)


def _default(given: dict[str, Any]) -> str:
    default = given.get("default")
    return repr(default) if isinstance(default, (bool, int, float, str)) or default is None else "..."


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "packs.pyi"
    path.write_text(stubs(dict(sorted(session().packs.items()))))
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
