#!/usr/bin/env python3
"""Compares token files with JPEG, WebP and AVIF of equal size, for a folder of photos.

Runs graphs/compress.json over the folder for several counts of tokens, then encodes each photo with the other codecs in the
best quality whose file is not larger than the token file. Prints a table of means: bytes, PSNR, SSIM, and with --lpips LPIPS;
examples/lpips_weights.py writes its weights. Needs Pillow >= 11.3:

    python3 -m venv env && env/bin/pip install "Pillow>=11.3"
    env/bin/python nodes/gpstoken/benches/compression.py photos
"""

import argparse
import csv
import io
import json
import pathlib
import subprocess
import sys
import tempfile

from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[3]


def splatgraph(*arguments):
    ran = subprocess.run([ROOT / "target/release/splatgraph", *map(str, arguments)], capture_output=True, text=True)
    if ran.returncode:
        sys.exit(ran.stdout + ran.stderr)


def batch(graph, folder, *values):
    """The table of a batch as a dict for each picture, without means."""
    table = folder / "table.csv"
    splatgraph("batch", graph, *values, "--out", folder, "--table", table)
    with open(table) as file:
        return [row for row in csv.DictReader(file) if row.get("image") or row.get("a")]


def encoded(picture, kind, quality):
    options = {
        # The tables alone would take a quarter of these files; optimised ones are smallest.
        "jpeg": {"optimize": True, "subsampling": "4:2:0"},
        "webp": {"method": 6},
        "avif": {"speed": 4, "subsampling": "4:2:0"},
    }[kind]
    out = io.BytesIO()
    picture.save(out, kind, quality=quality, **options)
    return out.getvalue()


def at_most(picture, kind, limit):
    """The best file of at most `limit` bytes, and whether there is one; if not, the smallest file."""
    qualities = range(1, 96) if kind == "jpeg" else range(0, 101)
    low, high = qualities.start, qualities.stop - 1
    best = encoded(picture, kind, low)
    if len(best) > limit:
        return best, False
    while low < high:  # sizes grow with the quality, so halving finds it
        middle = (low + high + 1) // 2
        tried = encoded(picture, kind, middle)
        if len(tried) <= limit:
            low, best = middle, tried
        else:
            high = middle - 1
    return best, True


def measure_lpips(graph, weights):
    """Adds the output `lpips` to a graph that compares two pictures."""
    compared = graph["nodes"]["compare"]["inputs"]
    inputs = {"a": compared["a"], "b": compared["b"], "model": str(weights.resolve())}
    graph["nodes"]["lpips"] = {"class_type": "gpstoken.Lpips", "inputs": inputs}
    graph["outputs"]["lpips"] = ["lpips", "lpips"]


def compare_graph():
    nodes = {
        "a": {"class_type": "std.LoadImage", "inputs": {"path": "a.png"}},
        "b": {"class_type": "std.LoadImage", "inputs": {"path": "b.png"}},
        "compare": {"class_type": "std.Compare", "inputs": {"a": ["a", "image"], "b": ["b", "image"]}},
    }
    outputs = {"psnr": ["compare", "psnr"], "ssim": ["compare", "ssim"]}
    return {"version": 1, "inputs": {"a": "a.path", "b": "b.path"}, "outputs": outputs, "nodes": nodes}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("photos", type=pathlib.Path, help="a folder of pictures; they are brought to 256 x 256 as in the graph")
    options.add_argument("--tokens", default="64,128,256", help="counts of tokens, with commas")
    options.add_argument("--lpips", type=pathlib.Path, help="weights of LPIPS, such as lpips_alex.safetensors")
    options.add_argument("--effort", default="0", help="`effort` of the graph: 0, 1 or 2")
    options.add_argument("--perceptual", help="`perceptual` of the graph: the weight of LPIPS in the optimisation; needs --loss-lpips")
    options.add_argument("--loss-lpips", type=pathlib.Path, help="weights of LPIPS for the optimisation, such as lpips_vgg.safetensors")
    chosen = options.parse_args()
    optimising = [f"effort={chosen.effort}"]
    if chosen.perceptual:
        optimising += [f"perceptual={chosen.perceptual}", f"lpips={chosen.loss_lpips.resolve()}"]
    graph = json.loads((ROOT / "graphs/compress.json").read_text())
    if chosen.lpips:
        measure_lpips(graph, chosen.lpips)
    measures = ["psnr", "ssim"] + ["lpips"] * bool(chosen.lpips)
    rows = [["codec", "bytes", *(name.upper() + (" (dB)" if name == "psnr" else "") for name in measures), ""]]
    photos = sorted(path for path in chosen.photos.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        thumbnails = folder / "photos"
        splatgraph("batch", ROOT / "graphs/thumbnail.json", f"image={chosen.photos}/*", "size=256", "output={stem}.png", "--set", "resize.fit=fill", "--out", thumbnails)
        comparing = compare_graph()
        if chosen.lpips:
            measure_lpips(comparing, chosen.lpips)
        (folder / "compress.json").write_text(json.dumps(graph))
        (folder / "compare.json").write_text(json.dumps(comparing))
        for count in chosen.tokens.split(","):
            place = folder / f"tokens-{count}"
            ours = batch(folder / "compress.json", place, f"image={thumbnails}/*.png", f"tokens={count}", *optimising)
            assert len(ours) == len(photos), "each photo was encoded"
            mean = lambda table, name: sum(float(row[name]) for row in table) / len(table)
            rows.append([f"**.gpst, {count} tokens**", f"{mean(ours, 'bytes'):.0f}", *(f"{mean(ours, name):.{2 if name == 'psnr' else 3}f}" for name in measures), ""])
            limits = {pathlib.Path(row["image"]).stem: int(float(row["bytes"])) for row in ours}
            for kind in ("jpeg", "webp", "avif"):
                decoded = folder / f"{kind}-{count}"
                decoded.mkdir()
                sizes, too_large = [], 0
                with open(decoded / "rows.csv", "w", newline="") as file:
                    table = csv.writer(file)
                    table.writerow(["a", "b"])
                    for photo in sorted(thumbnails.glob("*.png")):
                        bytes_, fits = at_most(Image.open(photo).convert("RGB"), kind, limits[photo.stem])
                        sizes.append(len(bytes_))
                        too_large += not fits
                        Image.open(io.BytesIO(bytes_)).convert("RGB").save(decoded / photo.name)
                        table.writerow([photo, decoded / photo.name])
                theirs = batch(folder / "compare.json", folder / f"{kind}-{count}-measured", f"@{decoded}/rows.csv")
                remark = f"{too_large} of {len(sizes)} can't be so small; for these, their smallest file" if too_large else ""
                rows.append([kind.upper().replace("WEBP", "WebP"), f"{sum(sizes) / len(sizes):.0f}", *(f"{mean(theirs, name):.{2 if name == 'psnr' else 3}f}" for name in measures), remark])
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows[1:]:
        print("| " + " | ".join(row) + " |")


main()
