"""The nodes of all packs of Splatgraph, inside ComfyUI.

Copy this folder into `custom_nodes` of ComfyUI, and install the package for the Python of ComfyUI:

    cp -r examples/comfyui ComfyUI/custom_nodes/splatgraph
    ComfyUI/venv/bin/pip install splatgraph-0.1.0-*.whl

The nodes then stand in the menu below `Splatgraph`. Each runs in the process of ComfyUI.

- IMAGE and MASK are ComfyUI's own types and are not copied on the way in and out. All other types, such as TOKENS and TOKENIZER, pass from
  node to node as objects of the package `splatgraph`.
- Files are read below ComfyUI's folder `input`, and written below `output`. Models are files in `models/splatgraph`.
- An input that takes a list has several sockets, and each takes ComfyUI's lists too. A list of numbers or texts is JSON: `[1, 2]`.
"""

import inspect
import json
import os
import re
import threading
import uuid
import warnings
from contextlib import contextmanager
from pathlib import Path

import comfy.model_management
import comfy.utils
import folder_paths
import numpy as np
import torch
from PIL import Image as Picture

import splatgraph

LARGEST = 2**53 - 1
"""The largest whole number that JavaScript has exactly. The front end's own limits for numbers without limits are 0 and 2048."""
SCALARS = {"INT", "FLOAT", "BOOLEAN", "STRING", "JSON"}
SOCKETS = 8
"""The sockets of an input that takes a list."""
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".tga", ".qoi", ".ppm"}
SHOWN = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"}
"""What browsers show."""
MODELS = Path(folder_paths.models_dir, "splatgraph")

SESSION = splatgraph.Session(models=[MODELS] if MODELS.is_dir() else [])


class Node:
    """A node of ComfyUI that runs one node of a pack.

    ComfyUI makes one object for each node of a workflow and keeps it from run to run. So does the object with its graph.
    """

    FUNCTION = "run"

    def __init__(self):
        inputs = {given["name"]: f"node.{given['name']}" for given in self.spec.get("inputs", [])}
        outputs = {given["name"]: ["node", given["name"]] for given in self.spec.get("outputs", [])}
        nodes = {"node": {"class_type": self.name, "inputs": {}}}
        self.graph = splatgraph.Graph({"version": 1, "inputs": inputs, "outputs": outputs, "nodes": nodes}, SESSION)

    @classmethod
    def INPUT_TYPES(cls):
        required, optional = {}, {}
        for given in cls.spec.get("inputs", []):
            (optional if given.get("optional") or "default" in given else required)[given["name"]] = input_type(given, cls.spec)
            if takes_links(given):
                more = (given["type"], {"tooltip": f"Goes after {given['name']}."})
                optional |= {name: more for name in socket_names(given)[1:]}
        return {"required": required, "optional": optional}

    def run(self, **given):
        bar = comfy.utils.ProgressBar(1)

        def progress(event):
            if event.kind == "progress" and event.total:
                bar.update_absolute(event.done, event.total)
            elif event.kind == "preview" and isinstance(event.value, splatgraph.Image):
                bar.update_absolute(bar.current, bar.total, ("JPEG", picture(event.value[0]), 512))

        values, supply = {}, {}
        for spec in self.spec.get("inputs", []):
            name, value = spec["name"], self.value(spec, given)
            if takes_links(spec):
                supply |= {name: value} if value else {}
            # An empty field stands for a value that is left out.
            elif value is not None and not (isinstance(value, str) and not value and spec.get("optional")):
                values[name] = value
        try:
            with interruptible(self.graph):
                # ComfyUI keeps results, and nodes after this one may write to them, so the graph keeps none. The graph that would be
                # written into pictures is that of one node, which helps nobody.
                result = self.graph.run(values, supply=supply, progress=progress, previews=True, cache_bytes=0, metadata=False)
        except (splatgraph.GraphError, splatgraph.RunError) as error:
            raise RuntimeError(f"{self.name}: {text_of(error)}") from error
        outputs = tuple(theirs(result[output["name"]]) for output in self.spec.get("outputs", []))
        return {"ui": {"images": shown(result)}, "result": outputs} if self.OUTPUT_NODE else outputs

    @classmethod
    def value(cls, spec, given):
        """The value of an input in what ComfyUI gives."""
        if takes_links(spec):
            return [ours(item, spec["type"]) for name in socket_names(spec) for item in given.get(name) or []]
        value = given.get(spec["name"])
        if cls.INPUT_IS_LIST:
            value = value[0] if value else None
        return file_path(spec, value) if spec.get("path") and value else ours(value, spec["type"])


def node_class(name, spec):
    """The class of ComfyUI for a node of a pack."""
    outputs = spec.get("outputs", [])
    body = {
        "name": name,
        "spec": spec,
        "__doc__": spec.get("help", ""),
        "DESCRIPTION": spec.get("help", ""),
        "CATEGORY": "/".join(part for part in ("Splatgraph", spec.get("category")) if part),
        "RETURN_TYPES": tuple(output["type"] for output in outputs),
        "RETURN_NAMES": tuple(output["name"] for output in outputs),
        "OUTPUT_TOOLTIPS": tuple(output.get("help", "") for output in outputs),
        "OUTPUT_IS_LIST": tuple(output.get("list", False) for output in outputs),
        "OUTPUT_NODE": spec.get("output", False),
        # ComfyUI calls other nodes once for each item of a list.
        "INPUT_IS_LIST": any(takes_links(given) for given in spec.get("inputs", [])),
    }
    if paths := [given for given in spec.get("inputs", []) if given.get("path")]:
        body |= {"VALIDATE_INPUTS": classmethod(validator(paths)), "IS_CHANGED": classmethod(is_changed)}
    return type(name.replace(".", "_"), (Node,), body)


# What inputs look like.


def takes_links(spec):
    """Whether an input takes a list of values that only links can give."""
    return spec.get("list", False) and not SCALARS.issuperset(spec["type"].split(","))


def socket_names(spec):
    return [spec["name"], *(f"{spec['name']}_{number}" for number in range(2, SOCKETS + 1))]


def input_type(spec, node):
    """The type of an input with its options, as INPUT_TYPES has them."""
    kind, help = spec["type"], [spec.get("help", "")]
    help += [f"{choice['name']}: {choice['help']}" for choice in spec.get("choices", []) if choice.get("help")]
    options = {"tooltip": "\n".join(line for line in help if line)}
    if "default" in spec:
        options["default"] = spec["default"]
    if not SCALARS.issuperset(kind.split(",")):
        return kind, options
    if spec.get("choices"):
        return [choice["name"] for choice in spec["choices"]], options
    if spec.get("path") in ("read", "model"):
        if offers_pictures(spec, node):
            options["image_upload"] = True
        offered = offered_files(spec, node)
        # A list without entries would take no value at all.
        return (offered, options) if offered or "image_upload" in options else ("STRING", options)
    if spec.get("list") or kind == "JSON":
        default = {"default": json.dumps(spec["default"])} if "default" in spec else {}
        return kind, {**options, **default, "widgetType": "STRING", "multiline": True, "placeholder": "[..]" if spec.get("list") else "JSON"}
    if "," in kind:
        return kind, {**options, "default": str(spec.get("default", "")), "widgetType": "STRING"}
    if kind in ("INT", "FLOAT"):
        options |= {"min": spec.get("min", -LARGEST), "max": spec.get("max", LARGEST)}
    if kind == "FLOAT":
        # Otherwise the front end rounds to the step.
        options |= {"step": 0.01, "round": False}
    if kind == "INT" and (spec["name"] == "seed" or any(other.get("counts_from") == spec["name"] for other in node["inputs"])):
        options["control_after_generate"] = True
    if spec.get("path") == "write" and spec.get("extensions"):
        options.setdefault("default", f"result.{spec['extensions'][0]}")
    return kind, options


# Files.


def offers_pictures(spec, node):
    """Whether an input is the path of a picture, for which the front end has an upload."""
    gives = any(output["type"] in ("IMAGE", "MASK") for output in node.get("outputs", []))
    extensions = {f".{extension}" for extension in spec.get("extensions", [])}
    return spec["path"] == "read" and (bool(extensions & PICTURES) if extensions else gives)


def offered_files(spec, node):
    folder = MODELS if spec["path"] == "model" else Path(folder_paths.get_input_directory())
    extensions = {f".{extension}" for extension in spec.get("extensions", [])} or (PICTURES if offers_pictures(spec, node) else None)
    files = sorted(file.name for file in folder.iterdir() if file.is_file()) if folder.is_dir() else []
    fitting = [name for name in files if name[0] != "." and (extensions is None or Path(name).suffix.lower() in extensions)]
    empty = [""] if spec.get("optional") else []
    return empty + list(dict.fromkeys([*spec.get("builtin", []), *([spec["default"]] if "default" in spec else []), *fitting]))


def file_path(spec, name):
    """The whole path for the value of an input. No workflow reads or writes files outside of ComfyUI's folders."""
    if spec["path"] == "model":
        if name in spec.get("builtin", []):
            return name
        folder = MODELS
    elif spec["path"] == "write":
        folder = folder_paths.get_output_directory()
    else:
        # `a.png [output]`: ComfyUI's way to name another of its folders.
        name, folder = folder_paths.annotated_filepath(name)
        folder, name = folder or folder_paths.get_input_directory(), name.rstrip()
    folder = Path(os.path.abspath(folder))
    path = Path(os.path.abspath(folder / name))
    if not path.is_relative_to(folder):
        raise ValueError(f"input `{spec['name']}`: expected a path below {folder}, got {name!r}")
    if spec["path"] == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.exists():
        raise ValueError(f"input `{spec['name']}`: expected a file below {folder}, got {name!r}, which is not there")
    return path


def validator(paths):
    """VALIDATE_INPUTS for a node with paths. ComfyUI finds by the names of its parameters which values it does not check itself: a
    path may name a file that is in no list, in a folder below."""

    def validate(cls, **given):
        try:
            for spec in paths:
                if value := given.get(spec["name"]):
                    file_path(spec, value)
        except ValueError as error:
            return str(error)
        return True

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = ["cls", *(spec["name"] for spec in paths)]
    validate.__signature__ = inspect.Signature([inspect.Parameter(name, kind, default=None) for name in names])
    return validate


def is_changed(cls, **given):
    """Whether a node runs again for equal inputs: if a file that it reads has changed."""
    seen = []
    for spec in cls.spec["inputs"]:
        name = given.get(spec["name"])
        if spec.get("path") in ("read", "read_dir", "model") and name and name not in spec.get("builtin", []):
            about = os.stat(file_path(spec, name[0] if isinstance(name, list) else name))
            seen.append([spec["name"], about.st_mtime_ns, about.st_size])
    return json.dumps(seen)


# Values.


def ours(value, kind):
    """A value of ComfyUI for the package. Float32 on the processor is not copied."""
    if not isinstance(value, torch.Tensor):
        return value
    value = value.detach().to("cpu", torch.float32)
    if kind == "MASK" and value.ndim == 2:
        return value[None]
    if kind == "MASK" and value.ndim == 4 and value.shape[1] == 1:
        return value[:, 0]
    if "*" in kind.split(","):
        return value.numpy().view(splatgraph.Image if value.ndim == 4 and value.shape[3] == 3 else splatgraph.Mask)
    return value


def theirs(value):
    """A value of the package for ComfyUI. Pictures and masks are tensors in the memory of the result.

    PyTorch has no tensors that can't be written to, and warns about it. Nodes of ComfyUI do not write to their inputs, as ComfyUI gives one
    value to several nodes. One that does so all the same changes what other nodes get, as with any node, and nothing else: the graph keeps
    no results.
    """
    if isinstance(value, list):
        return [theirs(item) for item in value]
    if not isinstance(value, (splatgraph.Image, splatgraph.Mask)):
        return value
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writ")
        return torch.from_numpy(value)


def picture(pixels):
    return Picture.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))


def shown(result):
    """What the front end shows below an output node: the pictures that it wrote, or those that it gives, as files that do not stay."""
    if result.written:
        root = os.path.abspath(folder_paths.get_output_directory())
        files = [file.relative_to(root) for file in result.written if file.suffix.lower() in SHOWN]
        return [{"filename": file.name, "subfolder": file.parent.as_posix().strip("."), "type": "output"} for file in files]
    names = []
    for value in result.values():
        for pixels in value if isinstance(value, splatgraph.Image) else ():
            names.append(f"splatgraph-{uuid.uuid4().hex}.png")
            picture(pixels).save(Path(folder_paths.get_temp_directory(), names[-1]), compress_level=1)
    return [{"filename": name, "subfolder": "", "type": "temp"} for name in names]


# Runs.


@contextmanager
def interruptible(graph):
    """Cancels a run of the graph when the user stops ComfyUI."""
    ended = threading.Event()

    def look():
        while not ended.wait(0.1):
            if comfy.model_management.processing_interrupted():
                graph.cancel()

    thread = threading.Thread(target=look, name="splatgraph", daemon=True)
    thread.start()
    try:
        yield
    except splatgraph.Cancelled:
        comfy.model_management.throw_exception_if_processing_interrupted()
        raise
    finally:
        ended.set()
        thread.join()


def text_of(error):
    """The text of an error without the places in the graph, which ComfyUI's user has never seen."""
    if isinstance(error, splatgraph.RunError):
        parts = [(failure["input"], failure["message"] + "\n" * bool(failure["detail"]) + failure["detail"]) for failure in error.failures]
    else:
        # Of several problems with an input, the last says most.
        last = {problem["input"]: problem for problem in error.problems}
        texts = {input: f"expected {problem['expected']}, got {problem['received']}" for input, problem in last.items()}
        parts = [(input, texts[input] if problem["expected"] else problem["text"]) for input, problem in last.items()]
    return "\n".join(f"input `{input}`: {text}" if input else text for input, text in parts)


NODE_CLASS_MAPPINGS = {name: node_class(name, spec) for name, spec in SESSION.nodes.items()}
NODE_DISPLAY_NAME_MAPPINGS = {
    name: f"{re.sub(r'(?<=[a-z0-9])(?=[A-Z])', ' ', name.partition('.')[2])} ({name.partition('.')[0]})" for name in NODE_CLASS_MAPPINGS
}
