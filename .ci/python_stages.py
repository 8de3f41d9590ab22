"""Compares the stages in Python of `examples` with those that they replace, and cancels one.

    python python_stages.py SPLATGRAPH [second_tokenizer | torch_texture | torch_encoder ...]

The Python needs numpy and safetensors, and PyTorch for the last two; without it they are skipped.
"""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

program, root = Path(sys.argv[1]).resolve(), Path(__file__).resolve().parent.parent
models = root / "nodes/gpstoken/models"
folder = Path(tempfile.mkdtemp(prefix="python-stages-"))
# The packs are added to a folder of this run.
os.environ["XDG_DATA_HOME"] = str(folder / "data")


def run(name: str, graph: str, *arguments: str) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """All arrays that the nodes of a run made, and the seconds of each node."""
    seen = folder / name
    command = [program, "run", root / "graphs" / graph, "--debug", seen, "--quiet", "--out", folder / f"{name}-out", *arguments]
    subprocess.run(command, check=True, cwd=folder)
    arrays = {f"{file.stem}.{key}": array for file in seen.glob("*.safetensors") for key, array in load_file(file).items()}
    report = json.loads((seen / "run.json").read_text())
    return arrays, {node["id"]: node["ms"] / 1000 for node in report["nodes"]}


def largest(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape, f"expected equal shapes, got {a.shape} and {b.shape}"
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())


def levels(image: np.ndarray) -> np.ndarray:
    return np.rint(image.clip(0, 1) * 255)


def expect_equal(what: str, ours: dict, theirs: dict, limits: dict[str, float]) -> None:
    """Checks that the arrays with these names differ by at most so much, and the picture by at most 1 of 255."""
    for name, limit in limits.items():
        difference, range = largest(ours[name], theirs[name]), float(np.abs(ours[name]).max())
        print(f"{what}: {name} differs by at most {difference:.1e}, of values up to {range:.1f}")
        assert difference <= limit, f"{what}: expected a difference of at most {limit} in {name}, got {difference}"
    difference = largest(levels(ours["decode.image.image"]), levels(theirs["decode.image.image"]))
    print(f"{what}: the picture differs by at most {difference:.0f} of 255")
    assert difference <= 1, f"{what}: expected a difference of at most 1 of 255, got {difference}"


def torch_texture() -> None:
    steps = ["--threads", "1", "steps=50"]
    model = f"generator={models / 'small-texture.safetensors'}"
    swaps = ["--swap", "textures=torch_texture.LoadGenerator", "--swap", "texture=torch_texture.TextureDiffusion", model]
    for graph, subject in (
        ("generate.json", ["class=wood", "seed=7"]),
        ("generate-sheet.json", ["classes=[3, \"rock\"]", "count=2", "guidance=1", "seed=18446744073709551615"]),
    ):
        ours, our_times = run("ours", graph, *steps, *subject)
        theirs, times = run("torch", graph, *steps, *subject, *swaps)
        limits = {"texture.tokens.gaussians": 1e-5, "texture.tokens.textures": 1e-3}
        expect_equal(f"textures of {graph}", ours, theirs, limits)
        print(f"textures of {graph}: {times['texture']:.2f} s, ours {our_times['texture']:.2f} s")
    other, _ = run("other", "generate.json", *steps, "class=wood", "seed=8", *swaps)
    same, _ = run("same", "generate.json", *steps, "class=wood", "seed=7", *swaps)
    assert largest(other["texture.tokens.textures"], same["texture.tokens.textures"]) > 1, "expected other textures for another seed"

    command = [program, "run", root / "graphs/generate.json", "steps=100000", "--out", folder / "never", *swaps]
    long = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder)
    for line in long.stderr:
        if line.startswith("texture (torch_texture"):
            break
    time.sleep(1)
    began = time.monotonic()
    long.send_signal(signal.SIGINT)
    code = long.wait(timeout=20)
    print(f"textures: cancelled in {time.monotonic() - began:.1f} s")
    assert code == 130, f"expected the exit code 130 of a cancelled run, got {code}"


def second_tokenizer() -> None:
    classes = {"tokenizer": "LoadTokenizer", "encode": "Encode", "refine": "RefineTokens", "splat": "Splat", "decode": "Decode"}
    swaps = [argument for node, name in classes.items() for argument in ("--swap", f"{node}=second_tokenizer.{name}")]
    arrays, _ = run("second", "reconstruct.json", *swaps, "--set", "tokenizer.channels=768")
    difference = largest(arrays["decode.image.image"], arrays["resize.image.image"])
    print(f"second tokenizer: with as many numbers as the picture has, it differs by at most {difference:.1e}")
    assert difference < 1e-5, f"expected the same picture, got a difference of {difference}"
    arrays, _ = run("rough", "reconstruct.json", *swaps)
    loss = float(((arrays["decode.image.image"] - arrays["resize.image.image"]) ** 2).mean())
    whole = float(((arrays["resize.image.image"] - 0.5) ** 2).mean())
    # Random filters, a quarter as many as numbers, keep about a quarter of the picture.
    print(f"second tokenizer: it loses {100 * loss / whole:.0f} % of the picture with a quarter of the numbers")
    assert 0.6 < loss / whole < 0.9, f"expected a loss of about three quarters, got {loss / whole}"


def torch_encoder() -> None:
    model = models / "small.safetensors"
    encode = ["--swap", "encode=torch_encoder.Encode", "--set", f"encode.model={model}"]
    refine = ["--swap", "refine=torch_encoder.RefineTokens", "--set", f"refine.model={model}"]
    picture = ["--threads", "1", "image=" + str(root / "graphs/astronaut.png")]
    ours, our_times = run("small", "reconstruct.json", *picture)
    for name, swaps in (("refine", refine), ("both", encode + refine)):
        theirs, times = run(name, "reconstruct.json", *picture, *swaps)
        limits = {"encode.features.features": 1e-4, "refine.tokens.gaussians": 1e-5, "refine.tokens.textures": 1e-3}
        expect_equal(f"tokenizer, {name}", ours, theirs, limits)
        print(f"tokenizer, {name}: " + ", ".join(f"{node} {times[node]:.2f} s, ours {our_times[node]:.2f} s" for node in ("encode", "refine")))

    if not (goldens := os.environ.get("SPLATGRAPH_GOLDENS")):
        return print("skipped: tokens of the authors' code: SPLATGRAPH_GOLDENS is not set")
    goldens = Path(goldens)
    official = [f"{node}.model={goldens / 'weights_A.safetensors'}" for node in ("encode", "refine", "tokenizer")]
    swaps = ["--swap", "encode=torch_encoder.Encode", "--swap", "refine=torch_encoder.RefineTokens"]
    settings = [argument for setting in official for argument in ("--set", setting)]
    image = f"image={goldens / 'images/chelsea_256.png'}"
    theirs, _ = run("authors", "reconstruct.json", "--threads", "1", image, "tokens=64", *swaps, *settings)
    tokens = np.concatenate([theirs["refine.tokens.gaussians"], theirs["refine.tokens.textures"]], 2)
    recorded = load_file(goldens / "tokA_full.safetensors")["gpstokens"]
    difference = largest(tokens, recorded)
    print(f"tokenizer: tokens differ from those of the authors' code by at most {difference:.1e}, of values up to {np.abs(recorded).max():.1f}")
    assert difference <= 1e-3, f"expected the tokens of the authors' code, got a difference of {difference}"


for check in (second_tokenizer, torch_texture, torch_encoder):
    name = check.__name__
    if sys.argv[2:] and name not in sys.argv[2:]:
        continue
    if name.startswith("torch") and not importlib.util.find_spec("torch"):
        print(f"skipped: {name}: {sys.executable} has no PyTorch")
        continue
    command = [program, "packs", "add", root / f"examples/{name}.py", "--python", sys.executable]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    check()
shutil.rmtree(folder)
