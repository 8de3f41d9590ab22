"""Executes examples/tokens.ipynb and checks what it found: run_notebook.py [FOLDER for its pictures]

Needs nbclient, ipykernel, matplotlib and splatgraph.
"""

import base64
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[4] / "examples" / "tokens.ipynb"

CHECKS = """
assert photo.shape == decoded.shape == (256, 256, 3) and gaussians.shape == (256, 5) and textures.shape == (256, 32)
assert not gaussians.flags["W"]  # read-only

# The PSNR is that of the pictures, and more tokens are better.
def measured(picture):
    return -10 * np.log10(np.mean((np.clip(photo, 0, 1) - np.clip(picture, 0, 1)) ** 2))
assert all(abs(measured(run["decode.image"][0]) - value) < 0.05 for run, value in zip(runs, psnr)), psnr
assert all(a < b for a, b in zip(psnr, psnr[1:])) and psnr[0] > 20 and psnr[-1] > 28, psnr

# Tokens that are supplied unchanged give the same picture.
assert np.array_equal(decode(gaussians, textures), decoded)

# A moved eye changes the picture around it. The layers of the decoder that normalise spread a little of it over the rest.
rows, columns = np.mgrid[:256, :256] / 128 - 1
change = np.abs(edits[0] - decoded).max(axis=2)
assert change[np.hypot(columns + 0.36, rows + 0.23) < 0.2].mean() > 0.05
assert change[np.hypot(columns + 0.36, rows + 0.23) > 1.0].mean() < 0.01
grown = np.abs(edits[1] - decoded).max(axis=2)
assert grown[np.hypot(columns + 0.36, rows + 0.23) < 0.3].mean() > 5 * grown[rows > 0.5].mean()

# The fur is grey, and the eyes have kept their colour.
def colourful(picture, where):
    return np.ptp(np.clip(picture, 0, 1), axis=2)[where].mean()
assert explained > 0.9, explained
fur_there, eye_there = rows > 0.3, np.hypot(columns + 0.36, rows + 0.23) < 0.12
assert colourful(edits[2], fur_there) < 0.5 * colourful(decoded, fur_there)
assert colourful(edits[2], eye_there) > 0.7 * colourful(decoded, eye_there)
"""


def main(folder=None):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    kept = [cell.id for cell in code if cell.outputs or cell.execution_count is not None]
    if kept:
        sys.exit(f"{NOTEBOOK.name}: expected cells without results, got results in {', '.join(kept)}; clear all outputs before you commit")
    notebook.cells.append(nbformat.v4.new_code_cell(CHECKS))
    with tempfile.TemporaryDirectory() as elsewhere:
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": elsewhere}}).execute()
        left = sorted(path.name for path in Path(elsewhere).iterdir())
    if left:
        sys.exit(f"{NOTEBOOK.name}: expected no files, got {', '.join(left)}")
    pictures = [output.data["image/png"] for cell in code for output in cell.outputs if "image/png" in output.get("data", {})]
    errors = [output.text for cell in code for output in cell.outputs if output.get("name") == "stderr"]
    if len(pictures) != 4 or errors:
        sys.exit(f"{NOTEBOOK.name}: expected 4 pictures and no warnings, got {len(pictures)} and {errors}")
    for number, picture in enumerate(pictures if folder else ()):
        Path(folder, f"tokens-{number}.png").write_bytes(base64.b64decode(picture))
    print(f"{NOTEBOOK.name}: {len(code)} cells, {len(pictures)} pictures")


if __name__ == "__main__":
    main(*sys.argv[1:])
