#!/usr/bin/env bash
# Downloads libtorch 2.9.0 for the feature `libtorch` (Linux on x86-64) and prints the settings for building and running with it:
#     eval "$(nodes/gpstoken/libtorch.sh target-libtorch/libtorch)"
# PyPI has PyTorch for x86-64 with CUDA only, 900 MB. This keeps the part for the processor and the headers, 0.5 GB, and never downloads
# CUDA's own libraries, several GB. The processor's part was linked with two small packages of CUDA, which are downloaded too.
set -euo pipefail

folder=${1:?usage: libtorch.sh FOLDER}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

if [ ! -e "$folder/complete" ]; then
    packages=$(mktemp -d "$folder/packages.XXXXXX")
    trap 'rm -rf "$packages"' EXIT
    # pip checks the sums and refuses other files.
    cat >"$packages/requirements.txt" <<'REQUIREMENTS'
torch==2.9.0 --hash=sha256:51de31219c97c51cf4bf2be94d622e3deb5dcc526c6dc00e97c17eaec0fc1d67
nvidia-cuda-cupti-cu12==12.8.90 --hash=sha256:ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182
nvidia-cuda-runtime-cu12==12.8.90 --hash=sha256:adade8dcbd0edf427b7204d480d6066d33902cab2a4707dcfc48a2d0fd44ab90
REQUIREMENTS
    python3 -m venv "$packages/python"
    "$packages/python/bin/pip" download --quiet --no-deps --require-hashes --requirement "$packages/requirements.txt" \
        --only-binary :all: --implementation cp --python-version 3.11 --abi cp311 --abi abi3 --abi none \
        --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 --dest "$packages" >&2
    python3 - "$packages" "$folder" <<'PYTHON'
import sys
import zipfile
from pathlib import Path

LIBRARIES = {"torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp.so.1"}
packages, folder = map(Path, sys.argv[1:])
for package in packages.glob("*.whl"):
    with zipfile.ZipFile(package) as archive:
        for name in archive.namelist():
            about = ".dist-info/" in name and "licenses/" in name.lower()
            if name in LIBRARIES or name.startswith(("torch/include/", "nvidia/")) or about:
                archive.extract(name, folder)
PYTHON
    # The linker needs libtorch.so. The package's own needs CUDA's libraries, so an empty library takes its place.
    cc -shared -o "$folder/torch/lib/libtorch.so" -x c - </dev/null
    : >"$folder/complete"
fi

printf 'export LIBTORCH=%q LIBTORCH_CXX11_ABI=1\n' "$folder/torch"
printf 'export LD_LIBRARY_PATH=%q${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\n' "$folder/torch/lib"
