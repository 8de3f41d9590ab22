"""What a run tells while it goes on."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Callable, Optional, Union

from ._convert import of_host


@dataclass
class Event:
    """Something that happened during a run.

    `kind` is `started`, `progress`, `preview`, `finished`, `failed` or `skipped` for a node, and `begun` or `ended` for items of a batch.
    The other attributes are None where they do not belong to the kind.
    """

    kind: str
    node: Optional[str] = None
    """The id of the node."""
    item: Optional[str] = None
    """The item of a batch."""
    done: Optional[int] = None
    """Steps of the node, or items of the batch, that are done."""
    total: Optional[int] = None
    """All steps or items; 0 if the node does not know."""
    text: str = ""
    """A note about the step, the error of a node that failed, or the node because of which another is skipped."""
    ms: Optional[float] = None
    """How long the node ran."""
    cached: Optional[bool] = None
    """Whether the result of the node is one of an earlier run."""
    value: Any = None
    """An unfinished result."""


Progress = Union[None, bool, Callable[[Event], Any]]
"""None: nothing is shown. True: a bar, of tqdm if it is installed. A function: gets every `Event`, in the thread that called `run`."""


def watcher(progress: Progress) -> Optional[Callable[[str, tuple], None]]:
    """The function that the host calls."""
    if progress is None or progress is False:
        return None
    if progress is True:
        progress = Bar()
    counts = {"items": 0, "ended": 0}

    def watch(kind: str, about: tuple) -> None:
        if kind == "begun":
            counts.update(items=about[0] + about[1], ended=about[1])
            progress(Event(kind, done=about[1], total=counts["items"]))
        elif kind == "ended":
            counts["ended"] += 1
            progress(Event(kind, done=counts["ended"], total=counts["items"], text="failed" if about[0] else ""))
        else:
            item, node, *rest = about
            event = Event(kind, node, item)
            if kind == "progress":
                event.done, event.total, event.text = rest
            elif kind == "preview":
                event.value = of_host(rest[0])
            elif kind == "finished":
                event.ms, event.cached = rest
            elif rest:
                event.text = rest[0]
            progress(event)

    return watch


class Bar:
    """A bar for the node that runs, or for the items of a batch."""

    def __init__(self) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            tqdm = None
        self.tqdm, self.bar, self.of, self.is_batch = tqdm, None, None, False

    def __call__(self, event: Event) -> None:
        if event.kind == "begun":
            self.is_batch = True
        shown = event.kind in ("begun", "ended") if self.is_batch else event.kind in ("progress", "finished")
        if not shown:
            return
        name = "items" if self.is_batch else event.node
        if self.tqdm is None:
            if event.total:
                print(f"{name}: {event.done}/{event.total} {event.text}".rstrip(), file=sys.stderr)
            return
        if event.kind == "finished":
            if self.of == name and self.bar is not None:
                self.bar.update(self.bar.total - self.bar.n)
                self.bar.close()
                self.bar = self.of = None
            return
        if self.of != name:
            if self.bar is not None:
                self.bar.close()
            self.bar, self.of = self.tqdm(total=event.total or None, desc=name), name
        self.bar.set_postfix_str(event.text, refresh=False)
        self.bar.update(event.done - self.bar.n)
        if self.is_batch and event.done == event.total:
            self.bar.close()
