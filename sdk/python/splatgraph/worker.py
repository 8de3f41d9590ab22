"""Serves the nodes of a Python file to a Splatgraph host, which starts `python -m splatgraph.worker FILE`."""

import importlib.util
import json
import os
import re
import socket
import sys
import traceback

from ._channel import PROTOCOL, Channel, Gone
from ._node import NODES
from ._run import Service

def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("expected one file with nodes; only a host starts this program")
    # The socket of the host is the standard input. Nodes that read the standard input find nothing.
    connection = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout.reconfigure(line_buffering=True)
    limit()
    channel = Channel(connection)
    first = channel.read()
    if first is None:
        return
    hello = first[0]["hello"]
    if hello["protocol"] != PROTOCOL:
        channel.send({"hello": {"protocol": PROTOCOL, "manifest": ""}})
        return
    path = os.path.abspath(sys.argv[1])
    try:
        nodes, manifest = load(path)
    except BaseException as error:
        channel.send({"refused": {"reason": why(error, path)}})
        return
    channel.send({"hello": {"protocol": PROTOCOL, "manifest": json.dumps(manifest)}})
    try:
        Service(channel, nodes, path).listen()
    except Gone:
        pass
    # A node may still run in a thread.
    sys.stdout.flush()
    os._exit(0)


def limit() -> None:
    """Limits the memory of this process. A crash writes no core file."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if bytes := os.environ.get("SPLATGRAPH_WORKER_MEMORY"):
        resource.setrlimit(resource.RLIMIT_DATA, (int(bytes), int(bytes)))
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        pass


def load(path: str):
    """Runs the file, and returns its nodes and its manifest. `PACK = {"id": .., "version": .., "changes": [..]}` in it is optional."""
    stem = os.path.splitext(os.path.basename(path))[0]
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location(stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[stem] = module
    spec.loader.exec_module(module)
    if not NODES:
        raise TypeError("expected a function with @node, got none")
    about = getattr(module, "PACK", {})
    manifest = {
        "id": about.get("id") or re.sub(r"\W", "_", stem).lower(),
        "version": about.get("version", "0.1.0"),
        "sdk": f"Python {sys.version_info.major}.{sys.version_info.minor}",
        "description": about.get("description") or (module.__doc__ or "").strip().split("\n")[0],
        "license": about.get("license", ""),
        "nodes": [node.spec for node in NODES.values()],
        "changes": about.get("changes", []),
    }
    return NODES, manifest


def why(error: BaseException, path: str) -> str:
    """What is wrong with the file."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if os.path.abspath(frame.filename) == path]
    line = frames[-1].lineno if frames else getattr(error, "lineno", None)
    where = f"{os.path.basename(path)}:{line}" if line else os.path.basename(path)
    text = f"{where}: {type(error).__name__}: {error}"
    return f"{text}; pip install it into this Python" if isinstance(error, ModuleNotFoundError) else text


if __name__ == "__main__":
    main()
