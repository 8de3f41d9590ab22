"""Graphs that are built in code, and type stubs."""

from pathlib import Path

import numpy as np
import pytest
import splatgraph
from conftest import PHOTO
from splatgraph import packs, stubs


def test_a_graph_is_built_in_code(picture):
    load = packs.std.LoadImage(path=str(PHOTO))
    small = packs.std.Resize(image=load.image, width=32, height=16)
    also = packs.std.Resize(image=small, width=8, height=8)
    save = packs.std.SaveImage(image=also, path="small.png")
    graph = packs.graph(inputs={"image": load.input("path"), "width": [small.input("width")]}, outputs={"small": small}, nodes=[save], title="Small")
    assert set(graph.nodes) == {"load_image", "resize", "resize_2", "save_image"}
    result = graph.run(image=picture, width=20)
    assert result["small"].shape == (1, 16, 20, 3) and [path.name for path in result.written] == ["small.png"]


def test_mistakes_are_told_where_they_are_made(picture):
    with pytest.raises(AttributeError, match="expected a node of the pack std .*, got 'LoadImag'"):
        packs.std.LoadImag
    with pytest.raises(AttributeError, match="expected a pack .*, got 'acme'"):
        packs.acme
    with pytest.raises(TypeError, match="std.LoadImage: expected inputs of the node .*, got 'file'"):
        packs.std.LoadImage(file="cat.png")
    with pytest.raises(TypeError, match="std.LoadImage: expected inputs by their names .*, got 'cat.png'"):
        packs.std.LoadImage("cat.png")
    load = packs.std.LoadImage(path="cat.png")
    with pytest.raises(AttributeError, match=r"std.LoadImage: expected an output \(image, mask\), got 'picture'"):
        load.picture
    with pytest.raises(splatgraph.Error, match=r"expected one output of std.LoadImage \(image, mask\), got the node"):
        packs.graph(outputs={"image": load})
    with pytest.raises(splatgraph.Error, match="got an array; supply it when the graph runs"):
        packs.graph(outputs={"image": packs.std.Resize(image=picture, width=3, height=3)})


def test_the_stubs_are_those_of_the_packs():
    known = {id: pack for id, pack in splatgraph.Session().packs.items() if id in ("std", "gpstoken")}
    text = stubs.stubs(dict(sorted(known.items())))
    compile(text, "packs.pyi", "exec")
    written = Path(splatgraph.__file__).with_name("packs.pyi")
    assert written.read_text() == text, "run `python -m splatgraph.stubs` again"


def test_help_is_the_help_of_the_node():
    help = packs.std.Resize.__doc__
    assert "width (INT)" in help and "Outputs:" in help
    assert "Resize" in dir(packs.std)
