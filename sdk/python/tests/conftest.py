"""What the tests share. They need the package with its module `_host`, and the program `splatgraph` with its packs and graphs."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import splatgraph

# They need PyTorch and more; run_examples runs them.
collect_ignore = ["examples"]
GRAPHS = Path(__file__).parents[3] / "graphs"
PHOTO = GRAPHS / "chelsea.png"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Every test runs in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def reconstruct():
    return splatgraph.Graph(GRAPHS / "reconstruct.json")


@pytest.fixture
def picture():
    return np.random.default_rng(7).random((1, 64, 48, 3), dtype=np.float32)


def program(*arguments):
    """Runs the program, and returns what it prints as JSON."""
    found = splatgraph.Graph({"version": 1, "nodes": {}}).session.program
    ran = subprocess.run([found, *map(str, arguments), "--json"], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def script(text, *arguments):
    """Runs a script in a Python of its own."""
    text = textwrap.dedent(text)
    return subprocess.run([sys.executable, "-c", text, *map(str, arguments)], capture_output=True, text=True, timeout=120)
