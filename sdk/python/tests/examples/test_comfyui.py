"""Runs the nodes of examples/comfyui as ComfyUI does, with a stand-in for it: python -m unittest test_comfyui

Needs PyTorch, Pillow and splatgraph.
"""

import os
import subprocess
import tempfile
import threading
import time
import unittest
import warnings
from pathlib import Path

import numpy as np
import torch
from comfy_stand_in import Host, Interrupted
from PIL import Image

import splatgraph

PROJECT = Path(__file__).resolve().parents[4]


class Nodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        warnings.simplefilter("error")
        cls.folder = tempfile.TemporaryDirectory()
        cls.host = Host(Path(cls.folder.name))
        Image.open(PROJECT / "graphs" / "chelsea.png").save(cls.host.folder / "input" / "chelsea.png")
        cls.module = cls.host.load(PROJECT / "examples" / "comfyui")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.host.bars.clear()

    def one(self, kind, **given):
        """The outputs of one node, and what it shows."""
        self.assertIn(kind, self.host.classes)
        with torch.inference_mode():
            made = self.host.classes[kind]()
            result = getattr(made, made.FUNCTION)(**given)
        return (result["result"], result["ui"]) if isinstance(result, dict) else (result, {})

    def test_a_photo_becomes_the_picture_that_the_program_makes(self):
        prompt = {
            "1": {"class_type": "LoadImage", "inputs": {"image": "chelsea.png"}},
            "2": {"class_type": "std.Resize", "inputs": {"image": ["1", 0], "width": 256, "height": 256, "fit": "fill"}},
            "3": {"class_type": "gpstoken.LoadTokenizer", "inputs": {"model": "small"}},
            "4": {"class_type": "gpstoken.Encode", "inputs": {"tokenizer": ["3", 0], "image": ["2", 0]}},
            "5": {"class_type": "gpstoken.InitTokens", "inputs": {"image": ["2", 0], "tokens": 128}},
            "6": {"class_type": "gpstoken.RefineTokens", "inputs": {"tokenizer": ["3", 0], "features": ["4", 0], "layout": ["5", 0]}},
            "7": {"class_type": "gpstoken.Splat", "inputs": {"tokens": ["6", 0]}},
            "8": {"class_type": "gpstoken.Decode", "inputs": {"tokenizer": ["3", 0], "map": ["7", 0]}},
            "9": {"class_type": "std.SaveImage", "inputs": {"image": ["8", 0], "path": "cats/chelsea.png"}},
        }
        outputs, shown = self.host.run(prompt)
        decoded = outputs["8"][0][0]
        self.assertEqual((decoded.shape, decoded.dtype), ((1, 256, 256, 3), torch.float32))
        self.assertIsInstance(outputs["6"][0][0], splatgraph.Tokens)

        self.assertEqual(shown["9"]["images"], [{"filename": "chelsea.png", "subfolder": "cats", "type": "output"}])
        ours = np.asarray(Image.open(self.host.shown_file(shown["9"]["images"][0])))
        there = self.host.folder / "program"
        command = [splatgraph.Session().program, "run", PROJECT / "graphs" / "reconstruct.json", "--out", there]
        subprocess.run(command, check=True, capture_output=True)
        theirs = np.asarray(Image.open(there / "chelsea-reconstruction.png"))
        self.assertEqual(ours.shape, (256, 256, 3))
        np.testing.assert_array_equal(ours, theirs)

        # The same objects run again, with other values.
        prompt["5"]["inputs"]["tokens"] = 64
        again, _ = self.host.run(prompt)
        self.assertEqual(again["6"][0][0].gaussians.shape, (1, 64, 5))
        self.assertFalse(torch.equal(again["8"][0][0], decoded))

    def test_pictures_and_masks_are_not_copied(self):
        """std.PreviewImage gives on what it gets. So the address after it is the one before, if neither way makes a copy."""
        image = torch.rand(2, 40, 30, 3)
        (given,), shown = self.one("std.PreviewImage", image=image)
        self.assertEqual(given.data_ptr(), image.data_ptr())
        self.assertTrue(torch.equal(given, image))
        self.assertEqual(len(shown["images"]), 2)
        saved = np.asarray(Image.open(self.host.shown_file(shown["images"][1])))
        np.testing.assert_allclose(saved / 255, image[1].numpy(), atol=0.501 / 255)
        # A tensor of a new result lies where the result lies.
        graph = self.host.classes["std.RectangleMask"]().graph
        mask = graph.run(x=10, width=5, height=40, supply={"image": image})["mask"]
        tensor = self.module.theirs(mask)
        self.assertEqual((tensor.shape, float(tensor.sum())), ((1, 40, 30), 5 * 40))
        self.assertEqual(tensor.data_ptr(), mask.ctypes.data)

    def test_a_write_to_a_result_changes_only_the_result(self):
        """Also where the pack runs in a process of its own, and the memory is shared with it."""
        kept = self.module.SESSION
        image = torch.rand(1, 40, 30, 3)
        for contain in ([], ["all"]):
            self.module.SESSION = splatgraph.Session(contain=contain)
            try:
                (first,), _ = self.one("std.Crop", image=image, width=20, height=20)
                self.assertTrue(torch.equal(first, image[:, :20, :20]))
                with torch.inference_mode():
                    first.fill_(7)
                (second,), _ = self.one("std.Crop", image=image, width=20, height=20)
                self.assertTrue(torch.equal(second, image[:, :20, :20]))
            finally:
                self.module.SESSION = kept

    def test_tensors_of_any_form_are_taken(self):
        image = torch.rand(1, 3, 40, 30)
        (strided,), _ = self.one("std.Crop", image=image.permute(0, 2, 3, 1), width=30, height=40)
        self.assertTrue(torch.equal(strided, image.permute(0, 2, 3, 1)))
        (half,), _ = self.one("std.Crop", image=torch.full((1, 8, 8, 3), 0.5, dtype=torch.bfloat16), width=8, height=8)
        self.assertEqual((half.dtype, float(half.mean())), (torch.float32, 0.5))
        for mask in (torch.ones(8, 8), torch.ones(1, 8, 8), torch.ones(1, 1, 8, 8)):
            (resized,), _ = self.one("std.ResizeMask", mask=mask, width=4, height=4)
            self.assertEqual((resized.shape, float(resized.mean())), ((1, 4, 4), 1))
        for value in (torch.rand(1, 8, 8, 3), torch.rand(1, 8, 8)):
            (seen,), _ = self.one("std.View", value=value)
            self.assertEqual(seen.shape[0], 1)

    def test_lists_have_several_sockets_and_run_once(self):
        pictures = [torch.rand(1, 8, 8, 3) for _ in range(3)]
        (batch,), _ = self.one("std.Batch", images=pictures[:2], images_2=pictures[2:])
        self.assertTrue(torch.equal(batch, torch.cat(pictures)))
        (sheet,), _ = self.one("std.Grid", images=pictures, columns=[3], gap=[0])
        self.assertTrue(torch.equal(sheet, torch.cat(pictures, dim=2)))
        # Each picture of a list by itself, and all together again.
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(self.host.folder / "input" / "black.png")
        prompt = {
            "1": {"class_type": "std.LoadImage", "inputs": {"path": "black.png"}},
            "2": {"class_type": "std.Batch", "inputs": {"images": ["1", 0], "images_2": ["1", 0]}},
            "3": {"class_type": "std.SaveImage", "inputs": {"image": ["2", 0], "path": "black.png"}},
        }
        outputs, shown = self.host.run(prompt)
        self.assertEqual(outputs["3"][1], [str(self.host.folder / "output" / f"black-{at:03}.png") for at in range(2)])
        self.assertEqual([about["filename"] for about in shown["3"]["images"]], ["black-000.png", "black-001.png"])

    def test_values_without_tensors(self):
        image = torch.rand(1, 12, 12, 3)
        (psnr, ssim, each, picture, *_), _ = self.one("std.Compare", a=image, b=image)
        self.assertEqual((ssim, each[0]["ssim"], picture.shape), (1, 1, (1, 12, 36, 3)))
        self.assertEqual(self.one("std.Json", value='{"a": [1]}')[0], ({"a": [1]},))
        self.assertEqual(self.one("std.Json", value={"a": [1]})[0], ({"a": [1]},))
        self.assertEqual(self.one("std.Int", value=2**53)[0], (2**53,))
        # An empty field of an optional input is no value.
        self.one("gpstoken.LoadTokenizer", model="small", device="")

    def test_files_stay_in_the_folders_of_comfyui(self):
        load, save = self.host.classes["std.LoadImage"], self.host.classes["std.SaveImage"]
        folder = self.host.folder
        (folder / "secret.png").write_bytes((folder / "input" / "chelsea.png").read_bytes())
        (folder / "output" / "made.png").write_bytes((folder / "input" / "chelsea.png").read_bytes())
        self.assertIs(load.VALIDATE_INPUTS(path="chelsea.png"), True)
        self.assertIs(load.VALIDATE_INPUTS(path="made.png [output]"), True)
        self.assertIs(load.VALIDATE_INPUTS(path=None), True)
        self.assertEqual(load.VALIDATE_INPUTS(path="../secret.png"), f"input `path`: expected a path below {folder}/input, got '../secret.png'")
        self.assertEqual(load.VALIDATE_INPUTS(path="no.png"), f"input `path`: expected a file below {folder}/input, got 'no.png', which is not there")
        self.assertEqual(save.VALIDATE_INPUTS(path="/tmp/a.png"), f"input `path`: expected a path below {folder}/output, got '/tmp/a.png'")
        with self.assertRaisesRegex(ValueError, "expected a path below"):
            self.one("std.LoadImage", path=str(folder / "secret.png"))
        self.assertIn("chelsea.png", load.INPUT_TYPES()["required"]["path"][0])
        self.assertEqual(self.host.classes["gpstoken.LoadTokenizer"].INPUT_TYPES()["optional"]["model"][0], ["small"])
        # A node runs again if its file has changed.
        before = load.IS_CHANGED(path="chelsea.png")
        self.assertEqual(before, load.IS_CHANGED(path="chelsea.png"))
        os.utime(folder / "input" / "chelsea.png", (1, 1))
        self.assertNotEqual(before, load.IS_CHANGED(path="chelsea.png"))

    def test_errors_have_the_words_of_the_node(self):
        with self.assertRaises(RuntimeError) as raised:
            self.one("std.Resize", image=torch.rand(1, 8, 8, 3), width=0, height=8)
        self.assertEqual(str(raised.exception), "std.Resize: input `width`: expected a whole number from 1 to 16384, got 0")
        (self.host.folder / "input" / "bad.png").write_text("hello")
        with self.assertRaises(RuntimeError) as raised:
            self.one("std.LoadImage", path="bad.png")
        self.assertRegex(str(raised.exception), '^std.LoadImage: input `path`: reading a picture: expected a picture .* that starts with "hello": ')
        with self.assertRaisesRegex(TypeError, r"^image: expected IMAGE of the shape \[B, H, W, 3\], got \[1, 8, 8, 4\]$"):
            self.one("std.Resize", image=torch.rand(1, 8, 8, 4), width=8, height=8)

    def generator(self, **more):
        generator, = self.one("gpstoken.LoadGenerator", model="small-layout")[0]
        return {"generator": generator, "count": 4, "steps": 400, "sampler": "rk4", **more}

    def test_progress_reaches_the_bar(self):
        self.one("gpstoken.LayoutDiffusion", **self.generator(count=1, steps=40))
        self.assertTrue(self.host.bars)
        self.assertTrue(all(0 <= done <= total for done, total, _ in self.host.bars), self.host.bars)
        self.assertEqual([bar for bar in self.host.bars if bar[2]], [])

    def test_stop_ends_a_run(self):
        given = self.generator(count=1, steps=2000)
        stop = threading.Timer(0.5, self.host.interrupted.set)
        stop.start()
        started = time.monotonic()
        with self.assertRaises(Interrupted):
            self.one("gpstoken.LayoutDiffusion", **given)
        stop.join()
        self.assertLess(time.monotonic() - started, 5)
        self.assertFalse(self.host.interrupted.is_set())
        # The next run is not cancelled.
        self.assertEqual(self.one("std.Int", value=3)[0], (3,))

    def test_every_class_has_what_the_front_end_reads(self):
        nodes = self.module.SESSION.nodes
        self.assertEqual(set(self.module.NODE_CLASS_MAPPINGS), set(nodes))
        self.assertEqual(self.module.NODE_DISPLAY_NAME_MAPPINGS["std.LoadImage"], "Load Image (std)")
        for name, kind in self.module.NODE_CLASS_MAPPINGS.items():
            with self.subTest(name):
                types = kind.INPUT_TYPES()
                declared = {**types["required"], **types["optional"]}
                named = [given["name"] for given in nodes[name].get("inputs", [])]
                self.assertEqual([input for input in declared if input in named], sorted(named, key=list(declared).index))
                for wanted, options in declared.values():
                    self.assertIsInstance(wanted, (str, list))
                    if isinstance(wanted, list) and "default" in options:
                        self.assertIn(options["default"], wanted)
                    if wanted in ("INT", "FLOAT"):
                        self.assertLessEqual(options["min"], options.get("default", options["min"]))
                        self.assertLessEqual(options.get("default", options["max"]), options["max"])
                self.assertEqual(len(kind.RETURN_TYPES), len(kind.RETURN_NAMES))
                self.assertTrue(callable(getattr(kind, kind.FUNCTION)) and kind.CATEGORY.startswith("Splatgraph") and kind.DESCRIPTION)
        seed = self.host.classes["gpstoken.LayoutDiffusion"].INPUT_TYPES()["optional"]["seed"]
        self.assertEqual((seed[0], seed[1]["min"], seed[1]["control_after_generate"]), ("INT", 0, True))


if __name__ == "__main__":
    unittest.main()
