"""Runs of graphs."""

import signal
import threading
import time

import numpy as np
import pytest
import splatgraph
from conftest import GRAPHS, PHOTO, program
from splatgraph import Graph, GraphError, RunError, packs


def test_a_run_gives_what_the_program_gives(reconstruct, folder):
    ran = program("run", GRAPHS / "reconstruct.json", "tokens=64", "--out", "theirs")
    result = reconstruct.run(tokens=64, out="ours")
    assert result["psnr"] == ran["outputs"]["psnr"] and result["ssim"] == ran["outputs"]["ssim"]
    names = sorted(path.name for path in result.written)
    assert names == ["chelsea-comparison.png", "chelsea-reconstruction.png", "chelsea-tokens.png"]
    for name in names:
        assert (folder / "ours" / name).read_bytes() == (folder / "theirs" / name).read_bytes()


def test_only_what_changed_runs_again(reconstruct):
    reconstruct.run(tokens=64)
    again = {node.node: node.status for node in reconstruct.run(tokens=65).nodes}
    assert again["encode"] == "cached" and again["init"] == "done"
    reconstruct.forget()
    assert {node.node: node.status for node in reconstruct.run(tokens=65).nodes}["encode"] == "done"


def test_a_graph_says_what_it_takes_and_gives(reconstruct):
    assert reconstruct.title == "Reconstruct a photo from Gaussian tokens"
    assert reconstruct.outputs == {"psnr": "FLOAT", "ssim": "FLOAT"}
    tokens = reconstruct.inputs["tokens"]
    assert (tokens["type"], tokens["min"], tokens["value"]) == ("INT", 1, 128)
    assert reconstruct.nodes["decode"] == {"class": "gpstoken.Decode", "outputs": ["image"]}
    assert "decode" in reconstruct.draw() and '"decode"' in reconstruct.to_json()


def test_a_graph_that_came_with_the_program_has_a_name():
    if splatgraph.Graph({"version": 1, "nodes": {}}).session.graphs is None:
        pytest.skip("skipped: the program is not installed from a package, so no graphs came with it")
    assert Graph("reconstruct").title == "Reconstruct a photo from Gaussian tokens"


def test_all_problems_come_at_once(reconstruct):
    with pytest.raises(GraphError) as caught:
        reconstruct.run(tokens=0, size="large", imag="cat.png")
    kinds = sorted(problem["kind"] for problem in caught.value.problems)
    assert kinds == ["too_small", "unknown_name", "wrong_type", "wrong_type"]
    assert "did you mean `image`?" in str(caught.value)
    with pytest.raises(GraphError, match='got no such file'):
        reconstruct.check(image="nope.png")
    with pytest.raises(splatgraph.Error, match="the graph cannot be read: No such file"):
        Graph("nope.json")
    with pytest.raises(TypeError, match=r'take: expected a list of names, got one text; write take=\[\'decode.image\'\]'):
        reconstruct.run(take="decode.image")
    with pytest.raises(TypeError, match="tokens: expected a number, text, path, list, dict or array, got set"):
        reconstruct.run(tokens={3})


def test_other_outputs_are_there_although_a_node_failed(picture):
    graph = Graph({
        "version": 1,
        "outputs": {"good": ["good", "image"], "bad": ["bad", "image"]},
        "nodes": {
            "load": {"class_type": "std.LoadImage", "inputs": {"path": str(PHOTO)}},
            "good": {"class_type": "std.Resize", "inputs": {"image": ["load", "image"], "width": 32, "height": 32}},
            "bad": {"class_type": "std.Crop", "inputs": {"image": ["load", "image"], "x": 5000, "y": 0, "width": 8, "height": 8}},
        },
    })
    with pytest.raises(RunError) as caught:
        graph.run()
    (failure,) = caught.value.failures
    assert (failure["node"], failure["class"]) == ("bad", "std.Crop") and "node `bad` (std.Crop) failed" in str(caught.value)
    assert caught.value.outputs["good"].shape == (1, 32, 32, 3) and "bad" not in caught.value.outputs


def test_files_are_left_out_on_demand(reconstruct, folder):
    result = reconstruct.run(files=False, take=["decode.image"])
    assert result.written == [] and list(folder.iterdir()) == []
    assert result["decode.image"].shape == (1, 256, 256, 3)


def test_a_run_for_some_nodes(reconstruct):
    result = reconstruct.run(until=["init"], take=["resize.image"])
    assert set(result) == {"init.layout", "init.count", "resize.image"}
    ran = {node.node for node in result.nodes if node.status == "done"}
    assert ran == {"load", "resize", "init"}


def test_progress_tells_what_happens():
    graph, events = Graph(GRAPHS / "generate.json"), []
    graph.run(steps=20, files=False, previews=True, progress=events.append)
    assert {event.kind for event in events} == {"started", "progress", "preview", "finished"}
    steps = [event for event in events if event.kind == "progress" and event.node == "texture" and event.total == 20]
    assert steps and [event.done for event in steps] == sorted(event.done for event in steps)
    preview = next(event for event in events if event.kind == "preview")
    assert preview.value.shape == (1, 256, 256, 3)


def test_an_exception_of_the_progress_ends_the_run():
    graph = Graph(GRAPHS / "generate.json")

    def stop(event):
        if event.kind == "progress" and event.node == "texture":
            raise ValueError("enough")

    start = time.monotonic()
    with pytest.raises(ValueError, match="enough"):
        graph.run(steps=5000, files=False, progress=stop)
    assert time.monotonic() - start < 20
    assert graph.run(steps=2, files=False)["tokens"].textures.shape[0] == 1


def test_another_thread_cancels():
    graph, caught = Graph(GRAPHS / "generate.json"), []
    assert not graph.cancel()

    def run():
        try:
            graph.run(steps=100_000, files=False)
        except splatgraph.Cancelled as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not graph.running:
        time.sleep(0.01)
    with pytest.raises(splatgraph.Error, match="expected a graph that does not run, got one that runs in another thread"):
        graph.run(steps=2, files=False)
    assert graph.cancel()
    thread.join()
    assert not graph.running
    assert len(caught) == 1


def test_other_threads_go_on_while_a_graph_runs(reconstruct):
    # A thread that needs the interpreter all the time gets most of it.
    count, done = 0, threading.Event()

    def counting():
        nonlocal count
        while not done.is_set():
            count += 1
            time.sleep(0.001)

    thread = threading.Thread(target=counting)
    thread.start()
    start = time.monotonic()
    reconstruct.run(tokens=256, files=False)
    done.set()
    thread.join()
    assert count > 50 * (time.monotonic() - start)


def test_graphs_run_at_the_same_time():
    graphs, results = [Graph(GRAPHS / "reconstruct.json") for _ in range(3)], []
    threads = [threading.Thread(target=lambda graph=graph: results.append(graph.run(files=False)["psnr"])) for graph in graphs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(results)) == 1 and len(results) == 3


def test_no_signal_handler_is_installed(reconstruct):
    def caught():
        lines = open("/proc/self/status").read().splitlines()
        return next(line for line in lines if line.startswith("SigCgt"))

    before, handler = caught(), signal.getsignal(signal.SIGINT)
    reconstruct.run(files=False)
    # Rust's runtime looks at the guard page of stacks.
    own = (1 << signal.SIGSEGV - 1) | (1 << signal.SIGBUS - 1)
    changed = int(before.split()[1], 16) ^ int(caught().split()[1], 16)
    assert changed & ~own == 0 and signal.getsignal(signal.SIGINT) is handler


def test_stages_are_swapped(reconstruct):
    swapped = reconstruct.swap(init="gpstoken.GridTokens")
    assert swapped.nodes["init"]["class"] == "gpstoken.GridTokens"
    assert swapped.run(files=False)["psnr"] != reconstruct.run(files=False)["psnr"]
    with pytest.raises(GraphError, match="did you mean"):
        reconstruct.swap(init="gpstoken.GridToken")


def test_batches_go_on_where_they_stopped(reconstruct, folder):
    first = reconstruct.batch(tokens=[32, 64], out="results", table="table.csv", files=False)
    assert (first.items, first.done, first.earlier, first.failed) == (2, 2, 0, [])
    lines = first.table.read_text().splitlines()
    assert lines[0].startswith("item,tokens,psnr,ssim") and len(lines) == 5
    events = []
    more = reconstruct.batch(tokens=[32, 64, 96], out="results", table="table.csv", files=False, progress=events.append)
    assert (more.done, more.earlier) == (1, 2)
    ends = [(event.done, event.total) for event in events if event.kind in ("begun", "ended")]
    assert ends == [(2, 3), (3, 3)]
    with pytest.raises(splatgraph.Error, match="would write the same file"):
        reconstruct.batch(tokens=[32, 64], out="others")
    ranges = packs.graph(inputs={"n": (number := packs.std.Int(value=0)).input("value")}, outputs={"n": number})
    assert ranges.batch(n=range(0, 10, 3), out="ranges", table="t.csv").items == 4
    with pytest.raises(splatgraph.Error, match="n: expected values without commas and `..`, got '1,2'"):
        ranges.batch(n=["1,2"], out="ranges")


def test_a_contained_pack_gives_the_same(picture):
    ours = splatgraph.Session(contain=["std"])
    graph = {
        "version": 1, "outputs": {"small": ["small", "image"]},
        "nodes": {
            "load": {"class_type": "std.LoadImage", "inputs": {"path": str(PHOTO)}},
            "small": {"class_type": "std.Resize", "inputs": {"image": ["load", "image"], "width": 32, "height": 16}},
        },
    }
    contained = Graph(graph, ours).run(supply={"load.image": picture})["small"]
    assert np.array_equal(contained, Graph(graph).run(supply={"load.image": picture})["small"])
