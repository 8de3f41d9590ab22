"""The exceptions of this package."""

from __future__ import annotations

import json
from typing import Any, Mapping


class Error(Exception):
    """The base of all exceptions of this package."""


class GraphError(Error):
    """A graph, or a value for it, is wrong. Nothing has run.

    `problems` has all problems at once, each a dict with `kind`, `node`, `input`, `message`, `expected`, `received`, `hint` and `place`,
    as far as they are known.
    """

    def __init__(self, message: str, problems: str = "[]"):
        super().__init__(message)
        found = json.loads(problems)
        self.problems: list[dict[str, Any]] = found["problems"] if isinstance(found, dict) else found


class RunError(Error):
    """Nodes of a run failed.

    `failures` has a dict for each node that failed, with `node`, `class`, `pack`, `code`, `input`, `message`, `location` and `detail`.
    `outputs` has the outputs of the graph that do not need these nodes.
    """

    def __init__(self, message: str, report: str = "{}", outputs: Mapping[str, Any] = {}):
        super().__init__(message)
        self.report: dict[str, Any] = json.loads(report)
        self.failures: list[dict[str, Any]] = self.report.get("failures", [])
        self.outputs = outputs


class Cancelled(Error):
    """The run was cancelled."""
