#!/usr/bin/env python3
"""Packs folders of pictures into a zip file of smaller pictures, to carry them to a machine with a graphics card.

    pack.py data/photos --side 480 --quality 86 --output photos.zip

Paths in the zip file are relative to the parent of the given folder, so folders still name the classes. Pictures whose shorter side is longer
than --side shrink to it, and all become WebP. Files that can't be read are printed and left out.
"""
import argparse
import io
import zipfile
from multiprocessing import Pool
from pathlib import Path

from PIL import Image

import crops

# Photographs from trusted packages may be large.
Image.MAX_IMAGE_PIXELS = None


def packed(job):
    folder, name, side, quality = job
    try:
        picture = crops.opened(folder, name)
    except OSError as error:
        return name, error
    if (short := min(picture.size)) > side:
        picture = picture.resize([round(length * side / short) for length in picture.size], Image.Resampling.LANCZOS)
    data = io.BytesIO()
    picture.save(data, "WEBP", quality=quality, method=4)
    return name, data.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--side", type=int, default=480)
    parser.add_argument("--quality", type=int, default=86)
    parser.add_argument("--output", required=True)
    options = parser.parse_args()
    jobs = []
    for folder in options.folders:
        above = folder.resolve().parent
        names = (Path(folder.name, name) for name in crops.listed(folder))
        jobs += [(above, str(name), options.side, options.quality) for name in names]
    with Pool() as pool, zipfile.ZipFile(options.output, "w") as archive:
        for name, data in pool.imap(packed, jobs, 4):
            if isinstance(data, bytes):
                archive.writestr(str(Path(name).with_suffix(".webp")), data)
            else:
                print(f"left out: {name}: {data}")
    print(f"{options.output}: {len(jobs)} pictures, {Path(options.output).stat().st_size / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
