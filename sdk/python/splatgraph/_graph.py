"""Graphs that run in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Iterable, Iterator, Optional

from ._convert import is_value, of_host, text_of, to_host
from ._errors import Error, RunError
from ._progress import Progress, watcher
from ._session import LOG, Session, session as default_session


@dataclass(frozen=True)
class NodeReport:
    """How a node ended: `done`, `cached`, `failed`, `skipped`, `cancelled`, `abandoned` or `not_needed`, after how long, and why."""

    node: str
    status: str
    ms: float
    why: str


class Result(Mapping):
    """The named outputs of a run, and those that it took.

    Pictures, masks and other types with one tensor are numpy arrays; `Tokens` and `Layout` have arrays as attributes. All lie in the memory
    of the host and are read-only.
    """

    def __init__(self, outputs: Mapping[str, Any], report: dict[str, Any]):
        self._outputs = {name: of_host(value) for name, value in outputs.items()}
        self.written = [Path(file["path"]) for file in report["written"]]
        """The files that nodes wrote."""
        self.nodes = [NodeReport(**node) for node in report["nodes"]]
        """How every node ended."""

    def __getitem__(self, name: str) -> Any:
        try:
            return self._outputs[name]
        except KeyError:
            names = ", ".join(self._outputs) or "none"
            raise KeyError(f"expected an output of the run ({names}), got {name!r}; take=[\"node.output\"] takes others") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)

    def __repr__(self) -> str:
        def short(value: Any) -> str:
            shape = getattr(value, "shape", None)
            return f"{type(value).__name__}{list(shape)}" if shape else f"{value!r:.60}"

        return "Result(" + ", ".join(f"{name}={short(value)}" for name, value in self._outputs.items()) + ")"


@dataclass(frozen=True)
class Summary:
    """How a batch ended."""

    items: int
    done: int
    """The items that this call did."""
    earlier: int
    """The items that an earlier call did."""
    failed: list[dict[str, str]]
    """The items that failed, with their errors."""
    files: int
    """The number of files that this call wrote."""
    shards: list[str]
    journal: Path
    table: Optional[Path]
    seconds: float


class Graph:
    """A pipeline of nodes.

    Args:
        source: The path of a .json graph, of a picture with a graph in it or of a bundle (.zip), the name of a graph that came with the program
            (`reconstruct`), or a graph as a dict.
        session: The packs; those of the process by default.

    The nodes and results of a run are kept for the next one, so that only what changed runs again.

    Raises:
        GraphError: The text of the graph is wrong.
        Error: The graph can't be read.
    """

    def __init__(self, source: os.PathLike | str | dict[str, Any], session: Optional[Session] = None):
        self.session = session or default_session()
        host = self.session._host
        if isinstance(source, dict):
            self._host = host.parse(json.dumps(source), os.getcwd())
        else:
            self._host = host.read(os.path.abspath(self._found(os.fspath(source))))

    def _found(self, source: str) -> str:
        """A file of that name comes before a graph that came with the program."""
        folder = self.session.graphs
        is_name = os.path.basename(source) == source and "." not in source
        if is_name and folder and not os.path.exists(source) and (folder / f"{source}.json").is_file():
            return os.fspath(folder / f"{source}.json")
        return source

    @classmethod
    def _of(cls, host: Any, session: Session) -> "Graph":
        graph = cls.__new__(cls)
        graph.session, graph._host = session, host
        return graph

    @property
    def title(self) -> str:
        """One line about the graph."""
        return self._about["title"]

    @property
    def description(self) -> str:
        """More about the graph."""
        return self._about["description"]

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The named inputs: `type`, `default`, `min`, `max`, `choices`, `help` and so on, and `value`, which the graph has."""
        return {about["name"]: {**(about["spec"] or {}), "value": about["value"]} for about in self._about["inputs"]}

    @property
    def outputs(self) -> dict[str, str]:
        """The named outputs with their types."""
        return {about["name"]: about["type"] for about in self._about["outputs"]}

    @property
    def nodes(self) -> dict[str, dict[str, Any]]:
        """The nodes by their ids: `class` and `outputs`. `take` and `supply` name an output as `node.output`."""
        return {node["id"]: {"class": node["class"], "outputs": node["outputs"]} for node in self._about["nodes"]}

    @cached_property
    def _about(self) -> dict[str, Any]:
        return json.loads(self._host.about())

    def to_json(self) -> str:
        """The text of the graph. Graphs in it are replaced by their nodes."""
        return self._host.text()

    def draw(self) -> str:
        """A drawing of the graph in letters."""
        return self._host.drawing()

    def copy(self) -> "Graph":
        """The same graph, which keeps nodes and results of its own and may run at the same time."""
        return self._of(self._host.copy(), self.session)

    def swap(self, **classes: str) -> "Graph":
        """The graph with other classes for some nodes, as `splatgraph run --swap` has it: `graph.swap(texture="mine.Textures")`."""
        host, said = self._host.swapped(list(classes.items()))
        for text in said:
            LOG.info("%s", text)
        return self._of(host, self.session)

    def check(self, inputs: Optional[Mapping[str, Any]] = None, /, *, supply: Optional[Mapping[str, Any]] = None,
              sets: Optional[Mapping[str, Any]] = None, **values: Any) -> list[str]:
        """Checks the graph with its values and files, and runs nothing. Returns warnings.

        Raises:
            GraphError: There are problems; it has all of them.
        """
        return self._host.check(self._given({**(inputs or {}), **values}, supply, sets))

    def run(self, inputs: Optional[Mapping[str, Any]] = None, /, *, supply: Optional[Mapping[str, Any]] = None, take: Iterable[str] = (),
            until: Iterable[str] = (), sets: Optional[Mapping[str, Any]] = None, files: bool = True,
            out: Optional[os.PathLike | str] = None, overwrite: bool = False, progress: Progress = None, previews: bool = False,
            device: str = "auto", precision: str = "f32", threads: Optional[int] = None, cache_bytes: int = 1 << 30,
            store: Optional[os.PathLike | str] = None, store_size: int = 10 << 30, max_pixels: Optional[int] = None, metadata: bool = True,
            **values: Any) -> Result:
        """Runs the graph.

        Args:
            inputs: Values of named inputs, for names that are also arguments of this function.
            supply: Values that take the place of outputs, by `node.output` or by a named input: arrays of numpy, PyTorch or any library
                with DLPack, pictures of Pillow, `Tokens`, results of other runs. Arrays on the processor whose elements lie in a row are not
                copied; do not write to them before the run ends. An array for a named input that is the path of a file takes the place of
                what the node reads.
            take: Outputs `node.output` that the result has besides the named ones.
            until: Run only these nodes and those that they need.
            sets: Values of any inputs, by `node.input`.
            files: Whether nodes that write files run.
            out: The folder for files instead of the current directory.
            overwrite: Whether a graph from a picture or from another program may replace files.
            progress: True for a bar, or a function that gets each `Event`.
            previews: Whether nodes make previews, which `progress` gets.
            device: `auto`, `cpu`, `gpu`, `gpu:1`, ...
            precision: `f32`, `f16` or `bf16`.
            threads: How many threads nodes may use; one for each core by default.
            cache_bytes: The most memory for results that are kept for the next run.
            store: A folder in which results are kept for other processes, and from which theirs are taken. The variable
                SPLATGRAPH_STORE names one too.
            store_size: The size of the store in bytes; results that were not used for the longest time are removed.
            max_pixels: The most pixels of a picture that nodes read.
            metadata: Whether pictures are written with the graph in them.
            values: Values of named inputs. None leaves one out.

        Other threads of Python go on while the graph runs, and Ctrl-C cancels it.

        Raises:
            GraphError: The graph or a value is wrong. Nothing has run.
            RunError: A node failed. It has the outputs that are there all the same.
            Cancelled: `cancel` was called.
        """
        given = self._given({**(inputs or {}), **values}, supply, sets, take, until, files, out, overwrite)
        options = self._options(device, precision, threads, cache_bytes, store, store_size, max_pixels, previews, metadata)
        try:
            warnings, outputs, report = self._host.run(given, options, watcher(progress))
        except RunError as error:
            error.outputs = {name: of_host(value) for name, value in error.outputs.items()}
            raise
        for warning in warnings:
            LOG.warning("%s", warning)
        return Result(outputs, json.loads(report))

    def batch(self, values: Optional[Mapping[str, Any]] = None, /, *, out: os.PathLike | str, sets: Optional[Mapping[str, Any]] = None,
              table: Optional[os.PathLike | str] = None, collect: Optional[str] = None, shard: int = 1000, files: bool = True,
              overwrite: bool = False, retry_failed: bool = False, jobs: Optional[int] = None, progress: Progress = None,
              device: str = "auto", precision: str = "f32", threads: Optional[int] = None,
              store: Optional[os.PathLike | str] = None, store_size: int = 10 << 30, max_pixels: Optional[int] = None,
              metadata: bool = True, **more: Any) -> Summary:
        """Runs the graph over many values, as `splatgraph batch` does: `graph.batch(image="photos/*.jpg", tokens=[64, 128], out="results")`.

        A value is a list, a range, or a text as on the command line: a pattern of files, `0..9`, `@rows.csv`. All combinations run.
        The folder `out` has a journal, with which the same call goes on where it stopped. With `store`, an item that is done runs again
        if a file that it reads has other content.

        Args:
            table: A CSV file in the folder for outputs that are numbers or texts, with means and standard deviations.
            collect: An output of many items that is stacked into files of `shard` items each.
            retry_failed: Whether items that failed before run again.
            jobs: How many items run at the same time.

        Items that fail are no exception; the summary has them. The other arguments are those of `run`.
        """
        texts = [f"{name}={_values(value, name)}" for name, value in {**(values or {}), **more}.items()]
        given = {
            "values": texts, "sets": _texts(sets), "cwd": os.getcwd(), "out": os.path.abspath(out), "collect": collect, "shard": shard,
            "table": os.fspath(table) if table else None, "files": files, "overwrite": overwrite, "retry_failed": retry_failed, "jobs": jobs,
        }
        options = self._options(device, precision, threads, 0, store, store_size, max_pixels, False, metadata)
        warnings, report = self._host.batch(given, options, watcher(progress))
        for warning in warnings:
            LOG.warning("%s", warning)
        found = json.loads(report)
        counts = {name: found[name] for name in ("items", "done", "earlier", "failed", "files", "shards")}
        table_file = Path(found["table"]) if found["table"] else None
        return Summary(**counts, journal=Path(found["journal"]), table=table_file, seconds=found["ms"] / 1000)

    @property
    def running(self) -> bool:
        """Whether a run goes on in another thread."""
        return self._host.running()

    def cancel(self) -> bool:
        """Cancels the run that goes on in another thread. Returns whether there is one."""
        return self._host.cancel()

    def forget(self) -> None:
        """Gives back the memory of nodes and results that are kept for the next run."""
        self._host.forget()

    def _given(self, values: Mapping[str, Any], supply: Optional[Mapping[str, Any]], sets: Optional[Mapping[str, Any]],
               take: Iterable[str] = (), until: Iterable[str] = (), files: bool = True, out: Optional[os.PathLike | str] = None,
               overwrite: bool = False) -> dict[str, Any]:
        supplied = dict(supply or {})
        texts = []
        for name, value in values.items():
            if value is None:
                # Left out.
                continue
            if is_value(value):
                supplied[name] = value
            else:
                texts.append((name, text_of(value, name)))
        return {
            "inputs": texts, "sets": _texts(sets), "take": _names(take, "take"), "until": _names(until, "until"), "files": files,
            "supply": [
                (name, socket := self._host.socket(name), to_host(value, socket, name)) for name, value in supplied.items()
            ],
            "cwd": os.getcwd(), "out": os.path.abspath(out) if out else None, "overwrite": overwrite,
        }

    @staticmethod
    def _options(device: str, precision: str, threads: Optional[int], cache_bytes: int,
                 store: Optional[os.PathLike | str], store_size: int, max_pixels: Optional[int], previews: bool,
                 metadata: bool) -> dict[str, Any]:
        if precision not in ("f32", "f16", "bf16"):
            raise Error(f"precision: expected f32, f16 or bf16, got {precision}")
        if threads is not None and threads < 1:
            raise Error(f"threads: expected at least 1, got {threads}")
        if store_size < 1:
            raise Error(f"store_size: expected at least 1 byte, got {store_size}")
        store = store or os.environ.get("SPLATGRAPH_STORE")
        return {
            "device": device, "precision": precision, "threads": threads, "cache_bytes": cache_bytes, "max_pixels": max_pixels,
            "store": os.path.abspath(store) if store else None, "store_size": store_size, "previews": previews, "metadata": metadata,
        }

    def __repr__(self) -> str:
        return f"<Graph {self.title or 'without a title'!s}: {', '.join(self.inputs)} -> {', '.join(self.outputs)}>"


def _texts(values: Optional[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(name, text_of(value, name)) for name, value in (values or {}).items()]


def _names(names: Iterable[str], argument: str) -> list[str]:
    if isinstance(names, str):
        raise TypeError(f"{argument}: expected a list of names, got one text; write {argument}=[{names!r}]")
    return list(names)


def _values(value: Any, name: str) -> str:
    """The values of an input of a batch, as the command line has them."""
    if isinstance(value, range):
        if len(value) == 0:
            raise Error(f"{name}: expected a range with numbers, got {value}")
        return f"{value[0]}..{value[-1]}" + (f":{value.step}" if value.step != 1 else "")
    if not isinstance(value, (list, tuple)):
        return text_of(value, name)
    texts = [text_of(item, name) for item in value]
    if odd := next((text for text in texts if "," in text or ".." in text), None):
        raise Error(f"{name}: expected values without commas and `..`, got {odd!r}; write them into a column of a CSV file: "
                    f"{name}=\"@rows.csv\"")
    return ",".join(texts)
