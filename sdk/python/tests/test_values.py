"""Values that go in and out."""

import gc
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
import splatgraph
from conftest import GRAPHS, PHOTO
from splatgraph import Graph, GraphError, Image, Record, Tokens, packs

LOAD = {
    "version": 1, "inputs": {"image": "load.path"}, "outputs": {"image": ["load", "image"]},
    "nodes": {"load": {"class_type": "std.LoadImage", "inputs": {"path": str(PHOTO)}}},
}


def test_arrays_go_in_and_out_at_one_address(picture):
    graph = Graph(LOAD)
    for result in (graph.run(supply={"load.image": picture}), graph.run(image=picture)):
        image = result["image"]
        assert isinstance(image, Image) and image.ctypes.data == picture.ctypes.data
        assert not image.flags["W"] and image.dtype == np.float32
        with pytest.raises(ValueError):
            image[0, 0, 0, 0] = 1


def test_arrays_live_as_long_as_somebody_needs_them(picture):
    graph, own = Graph(LOAD), picture.copy()
    watched, expected = weakref.ref(own), own.copy()
    image = graph.run(image=own, cache_bytes=0)["image"]
    del own
    gc.collect()
    assert np.array_equal(image, expected)
    # The last reference goes in a thread that is not Python's main thread.
    holder = [image]
    del image
    thread = threading.Thread(target=holder.clear)
    thread.start()
    thread.join()
    graph.forget()
    gc.collect()
    assert watched() is None


def test_equal_content_is_known_and_other_content_runs(picture):
    graph = Graph(GRAPHS / "reconstruct.json")
    first = graph.run(image=picture, files=False)
    again = graph.run(image=picture.copy(), files=False)
    assert {node.node: node.status for node in again.nodes}["encode"] == "cached" and first["psnr"] == again["psnr"]
    picture[0, 0, 0] = 0
    changed = graph.run(image=picture, files=False)
    assert {node.node: node.status for node in changed.nodes}["encode"] == "done"


def test_arrays_in_other_forms_are_copied_and_mean_the_same(picture):
    graph = Graph(LOAD)
    for other in (picture[:, ::-1, ::2], picture.astype(">f4"), np.asfortranarray(picture), picture.astype(np.float64)):
        assert np.array_equal(graph.run(image=other)["image"], other.astype(np.float32))
    data = (picture * 255).astype(np.uint8)
    assert np.array_equal(graph.run(image=data[0])["image"], data.astype(np.float32) / 255)


def test_arrays_of_other_libraries(picture):
    class Other:
        """An array that has DLPack and nothing else."""

        def __dlpack__(self, **options):
            return picture.__dlpack__()

        def __dlpack_device__(self):
            return picture.__dlpack_device__()

    assert Graph(LOAD).run(image=Other())["image"].ctypes.data == picture.ctypes.data
    torch = pytest.importorskip("torch", reason="skipped: PyTorch is not installed")
    tensor = torch.from_numpy(picture)
    image = Graph(LOAD).run(image=tensor.requires_grad_())["image"]
    assert image.ctypes.data == tensor.data_ptr() and torch.from_numpy(image.copy()).equal(tensor)


def test_values_that_do_not_fit_are_refused(picture):
    graph = Graph(LOAD)
    with pytest.raises(TypeError, match=r"load.image: expected IMAGE of the shape \[B, H, W, 3\], got \[4, 4\]"):
        graph.run(supply={"load.image": np.zeros((4, 4))})
    with pytest.raises(TypeError, match="expected pictures as numbers in 0..1 or as bytes, got an array of int64"):
        graph.run(image=np.zeros((4, 4, 3), np.int64))
    with pytest.raises(GraphError, match="`load.imag`: the node `load` has no output `imag`; did you mean `image`?"):
        graph.run(supply={"load.imag": picture})
    with pytest.raises(GraphError, match="`lod.image`: the graph has no node `lod`; did you mean `load`?"):
        graph.run(take=["lod.image"])
    with pytest.raises(GraphError, match="expected a named input or an output `node.output`, got `image2`; did you mean `image`?"):
        graph.run(take=["image2"])
    both = {**LOAD, "outputs": {"image": ["load", "image"], "mask": ["load", "mask"]}}
    with pytest.raises(GraphError, match="takes the place of `load.image`, but the graph also uses `load.mask`"):
        Graph(both).run(image=picture)
    tokens = Tokens(np.zeros((1, 4, 5), np.float32), np.zeros((1, 4, 8), np.float32))
    for value, got in ((tokens, "TOKENS"), (2.5, "FLOAT"), ({}, "JSON"), ({3}, "set")):
        with pytest.raises(TypeError, match=f"load.image: expected IMAGE, got {got}"):
            graph.run(supply={"load.image": value})


def test_tokens_come_out_and_go_in_again():
    graph = Graph(GRAPHS / "reconstruct.json")
    first = graph.run(files=False, take=["refine.tokens", "decode.image"])
    tokens = first["refine.tokens"]
    assert isinstance(tokens, Tokens) and tokens.gaussians.shape == (1, 128, 5) and tokens.header["canvas"] == [256, 256]
    same = graph.run(files=False, supply={"refine.tokens": tokens}, take=["decode.image"])
    assert np.array_equal(same["decode.image"], first["decode.image"])
    moved = tokens.gaussians.copy()
    moved[..., 3] += 0.1
    other = Tokens(moved, tokens.textures, tokens.counts, tokens.header)
    shifted = graph.run(files=False, supply={"refine.tokens": other}, take=["decode.image"])["decode.image"]
    assert np.abs(shifted - first["decode.image"]).mean() > 0.01


def test_a_model_stays_loaded_and_goes_to_another_graph():
    graph = Graph(GRAPHS / "reconstruct.json")
    model = graph.run(until=["tokenizer"])["tokenizer.tokenizer"]
    assert model.type == "TOKENIZER"
    other = Graph(GRAPHS / "reconstruct.json")
    result = other.run(files=False, supply={"tokenizer.tokenizer": model})
    assert result["psnr"] == graph.run(files=False)["psnr"]


def test_scalars_lists_and_json(folder):
    graph = Graph({
        "version": 1, "outputs": {"psnr": ["compare", "psnr"]},
        "nodes": {
            "a": {"class_type": "std.LoadImage", "inputs": {"path": str(PHOTO)}},
            "blur": {"class_type": "std.Resize", "inputs": {"image": ["a", "image"], "width": 451, "height": 300}},
            "compare": {"class_type": "std.Compare", "inputs": {"a": ["a", "image"], "b": ["blur", "image"]}},
        },
    })
    assert isinstance(graph.run()["psnr"], float)
    assert graph.run(supply={"compare.psnr": 3.5})["psnr"] == 3.5
    sized = graph.run(sets={"blur.width": np.int64(451), "blur.height": 300})
    assert sized["psnr"] == graph.run()["psnr"]


def test_pictures_show_themselves(picture):
    image = Graph(LOAD).run(image=picture)["image"]
    png = image._repr_png_()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    Path("shown.png").write_bytes(png)
    back = Graph(LOAD).run(image=Path("shown.png"))["image"]
    assert np.array_equal(back, np.round(picture * 255).astype(np.uint8).astype(np.float32) / 255)


def test_records_of_other_types_keep_their_fields():
    record = Record("THINGS", {"a": np.arange(6, dtype=np.int64).reshape(2, 3), "b": np.array([], np.float64)}, {"unit": "m"})
    graph = Graph({
        "version": 1, "outputs": {"value": ["load", "value"]},
        "nodes": {"load": {"class_type": "std.LoadRecord", "inputs": {"path": "none.safetensors"}}},
    })
    value = graph.run(supply={"load.value": record})["value"]
    assert (value.type, value.header) == ("THINGS", {"unit": "m"})
    assert value.fields["a"].ctypes.data == record.fields["a"].ctypes.data and value.fields["b"].shape == (0,)
    assert np.array_equal(value.fields["a"], record.fields["a"])
    with pytest.raises(TypeError, match="load.value: expected .*, got a plain array; make it a splatgraph.Image, Mask, Record, ... first"):
        graph.run(supply={"load.value": record.fields["a"]})
    for value in ([1, 2.5], {"a": [None, True]}, "text", 2**60, None):
        assert graph.run(supply={"load.value": value})["value"] == value


def test_lists_of_arrays(picture):
    batch = packs.std.Batch(images=[packs.std.Resize(width=8, height=8)])
    graph = packs.graph(inputs={"images": batch.input("images")}, outputs={"all": batch})
    assert graph.run(images=[picture, picture])["all"].shape == (2, *picture.shape[1:])
    assert graph.run(images=(picture,))["all"].ctypes.data == picture.ctypes.data


def test_an_input_that_takes_links_gets_the_value(picture):
    graph = packs.graph(
        inputs={"picture": (resize := packs.std.Resize(width=8, height=8)).input("image")}, outputs={"small": resize},
    )
    assert graph.run(picture=picture)["small"].shape == (1, 8, 8, 3)
    with pytest.raises(GraphError, match="`image`.*missing|expected"):
        graph.run()
