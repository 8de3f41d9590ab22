"""What examples/comfyui needs of ComfyUI, for tests: its modules, and an executor that calls nodes as ComfyUI does.

ComfyUI itself can't be installed as a package. This follows the contract for nodes, and has no code of ComfyUI.
"""

import importlib.util
import inspect
import os
import sys
import threading
import types
from pathlib import Path

import numpy as np
import torch
from PIL import Image


class Interrupted(Exception):
    pass


class Host:
    """A ComfyUI with folders of its own.

    `bars` has what nodes told about their progress: done, total, and the size of the preview.
    """

    def __init__(self, folder: Path):
        self.folder, self.bars, self.interrupted, self.objects = folder, [], threading.Event(), {}
        for name in ("input", "output", "temp", "models"):
            (folder / name).mkdir()
        self.classes = {"LoadImage": LoadImage}
        LoadImage.folder = folder / "input"
        self._install()

    def _install(self):
        host = self

        class ProgressBar:
            def __init__(self, total):
                self.total, self.current = total, 0

            def update_absolute(self, value, total=None, preview=None):
                self.total, self.current = total or self.total, value
                if preview:
                    assert preview[0] in ("JPEG", "PNG") and preview[2] > 0
                host.bars.append((value, self.total, preview and preview[1].size))

        def throw():
            if self.interrupted.is_set():
                self.interrupted.clear()
                raise Interrupted

        def annotated(name):
            for kind in ("output", "input", "temp"):
                if name.endswith(f"[{kind}]"):
                    return name[: -len(kind) - 3], str(self.folder / kind)
            return name, None

        def module(name, **members):
            sys.modules[name] = types.ModuleType(name)
            vars(sys.modules[name]).update(members)
            return sys.modules[name]

        utils = module("comfy.utils", ProgressBar=ProgressBar)
        management = module("comfy.model_management", processing_interrupted=self.interrupted.is_set, throw_exception_if_processing_interrupted=throw)
        module("comfy", utils=utils, model_management=management)
        folders = {f"get_{name}_directory": lambda name=name: str(self.folder / name) for name in ("input", "output", "temp")}
        module("folder_paths", models_dir=str(self.folder / "models"), annotated_filepath=annotated, **folders)

    def load(self, folder: Path):
        """Imports a folder of `custom_nodes`."""
        spec = importlib.util.spec_from_file_location("custom_nodes_" + folder.name, folder / "__init__.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        self.classes |= module.NODE_CLASS_MAPPINGS
        assert set(module.NODE_DISPLAY_NAME_MAPPINGS) <= set(module.NODE_CLASS_MAPPINGS)
        return module

    def check(self, prompt):
        """The problems with a prompt, by node and input, as ComfyUI finds them before it runs."""
        problems = {}
        for id, node in prompt.items():
            kind = self.classes[node["class_type"]]
            types = kind.INPUT_TYPES()
            declared = {**types.get("required", {}), **types.get("optional", {})}
            validate = getattr(kind, "VALIDATE_INPUTS", None)
            checked = inspect.getfullargspec(validate).args if validate else []
            for name in types.get("required", {}):
                if name not in node["inputs"]:
                    problems[id, name] = "missing"
            for name, value in node["inputs"].items():
                wanted, options = declared[name]
                if isinstance(value, list):
                    given = self.classes[prompt[value[0]]["class_type"]].RETURN_TYPES[value[1]]
                    if isinstance(wanted, list) or not ("*" in (given, wanted) or set(given.split(",")) & set(wanted.split(","))):
                        problems[id, name] = f"{given} for {wanted}"
                    continue
                convert = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}.get(wanted if isinstance(wanted, str) else "")
                value = node["inputs"][name] = convert(value) if convert else value
                if name in checked:
                    continue
                if isinstance(wanted, list) and value not in wanted:
                    problems[id, name] = f"{value!r} not in {wanted}"
                if "min" in options and value < options["min"] or "max" in options and value > options["max"]:
                    problems[id, name] = f"{value!r} not in {options['min']}..{options['max']}"
            if validate:
                constant = {name: value for name, value in node["inputs"].items() if name in checked}
                constant = {name: None if isinstance(value, list) else value for name, value in constant.items()}
                said = validate(**constant)
                if said is not True:
                    problems[id, ""] = said
        return problems

    def run(self, prompt):
        """Runs all nodes of a prompt. Returns the outputs of each, as lists, and what it shows."""
        if problems := self.check(prompt):
            raise ValueError(problems)
        outputs, shown = {}, {}
        with torch.inference_mode():
            for id in prompt:
                self._run(id, prompt, outputs, shown)
        return outputs, shown

    def _run(self, id, prompt, outputs, shown):
        if id in outputs:
            return
        node = prompt[id]
        kind = self.classes[node["class_type"]]
        given = {}
        for name, value in node["inputs"].items():
            if isinstance(value, list):
                self._run(value[0], prompt, outputs, shown)
                given[name] = outputs[value[0]][value[1]]
            else:
                given[name] = [value]
        made = self.objects.setdefault((id, node["class_type"]), None) or kind()
        self.objects[id, node["class_type"]] = made
        call = getattr(made, kind.FUNCTION)
        if getattr(kind, "INPUT_IS_LIST", False):
            results = [call(**given)]
        else:
            count = max((len(values) for values in given.values()), default=1)
            results = [call(**{name: values[min(at, len(values) - 1)] for name, values in given.items()}) for at in range(count)]
        for result in results:
            if isinstance(result, dict):
                for key, items in result.get("ui", {}).items():
                    shown.setdefault(id, {}).setdefault(key, []).extend(items)
        results = [result["result"] if isinstance(result, dict) else result for result in results]
        assert all(isinstance(result, tuple) and len(result) == len(kind.RETURN_TYPES) for result in results)
        are_lists = getattr(kind, "OUTPUT_IS_LIST", [False] * len(kind.RETURN_TYPES))
        outputs[id] = [
            [item for result in results for item in result[at]] if is_list else [result[at] for result in results]
            for at, is_list in enumerate(are_lists)
        ]

    def shown_file(self, about) -> Path:
        return self.folder / about["type"] / about["subfolder"] / about["filename"]


class LoadImage:
    """The node of ComfyUI, for pictures without alpha."""

    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "load"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": (sorted(os.listdir(cls.folder)), {"image_upload": True})}}

    def load(self, image):
        pixels = np.asarray(Image.open(self.folder / image).convert("RGB")).astype(np.float32) / 255
        return torch.from_numpy(pixels)[None], torch.zeros((1, *pixels.shape[:2]))
