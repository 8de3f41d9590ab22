"""Loads packs."""

from __future__ import annotations

import atexit
import json
import logging
import os
import shutil
import threading
from importlib import metadata
from pathlib import Path
from typing import Any, Iterable, Optional

from ._errors import Error
from . import _host

# No thread of the host may ask for the interpreter once it ends.
atexit.register(_host.end)

LOG = logging.getLogger("splatgraph")


class Session:
    """Packs that are loaded. Graphs use the session of the process unless they get another.

    Args:
        packs: Folders of packs, which come before all other places.
        models: Folders in which models are searched too.
        contain: Ids of packs that run in processes of their own; `all` stands for every pack. Added packs always do.
        in_process: Ids of added packs that run in this process all the same.
        node_timeout: The most seconds that a node of a contained pack may take.
        pack_memory_mb: The most memory of a contained pack; three quarters of the machine's by default.
        program: The program `splatgraph`. By default it is the one that came with this package, or that SPLATGRAPH_PROGRAM names.
    """

    def __init__(self, packs: Iterable[os.PathLike | str] = (), *, models: Iterable[os.PathLike | str] = (), contain: Iterable[str] = (),
                 in_process: Iterable[str] = (), node_timeout: Optional[float] = None, pack_memory_mb: Optional[int] = None,
                 program: Optional[os.PathLike | str] = None):
        self.program = Path(program) if program else find_program()
        self._host = _host.Session({
            "program": os.fspath(self.program),
            "packs": [os.path.abspath(folder) for folder in packs],
            "models": [os.path.abspath(folder) for folder in models],
            "contain": list(contain),
            "in_process": list(in_process),
            "node_timeout": node_timeout,
            "pack_memory_mb": pack_memory_mb,
        })
        for warning in self._host.warnings():
            LOG.warning("%s", warning)

    @property
    def packs(self) -> dict[str, dict[str, Any]]:
        """The manifests of all packs, by their ids: version, description, and `nodes` with inputs and outputs."""
        return {manifest["id"]: manifest for manifest in json.loads(self._host.manifests())}

    @property
    def nodes(self) -> dict[str, dict[str, Any]]:
        """The declarations of all nodes, by their classes `pack.Node`."""
        return {f"{id}.{node['name']}": node for id, pack in self.packs.items() for node in pack["nodes"]}

    @property
    def graphs(self) -> Optional[Path]:
        """The folder of the graphs that came with the program; None if there is none."""
        folder = self.program.resolve().parent.parent / "share" / "splatgraph" / "graphs"
        return folder if folder.is_dir() else None


_default: Optional[Session] = None
_making = threading.Lock()


def session() -> Session:
    """The session of the process, made at first use."""
    global _default
    with _making:
        if _default is None:
            _default = Session()
        return _default


def find_program() -> Path:
    """The program `splatgraph` that this package uses: it finds packs, and serves those that run in processes of their own.

    Raises:
        Error: There is none.
    """
    if named := os.environ.get("SPLATGRAPH_PROGRAM"):
        if not Path(named).is_file():
            raise Error(f"SPLATGRAPH_PROGRAM: expected the program splatgraph, got no file: {named}")
        return Path(named).absolute()
    for name in ("splatgraph", "splatgraph-full"):
        try:
            files = metadata.files(name) or []
        except metadata.PackageNotFoundError:
            continue
        for file in files:
            if file.name in ("splatgraph", "splatgraph.exe") and file.parent.name in ("bin", "Scripts"):
                return Path(file.locate()).resolve()
    if found := shutil.which("splatgraph"):
        return Path(found).absolute()
    raise Error("the program splatgraph was not found; install a wheel of splatgraph with pip, put the program into PATH, or name it in SPLATGRAPH_PROGRAM")
