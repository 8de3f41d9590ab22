"""Makes the pictures of this folder: `python3 make.py`. Needs Pillow, numpy, and cjpeg and jpegtran of libjpeg-turbo.

What a profile makes of colours is computed by LittleCMS, which Pillow has.
"""

import io
import pathlib
import struct
import subprocess

import numpy
from PIL import Image, ImageCms

HERE = pathlib.Path(__file__).parent
SRGB = ImageCms.createProfile("sRGB")


def tool(*command, data):
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def jpegs():
    """One picture in several forms of JPEG: the coefficients are the same but for the sampling."""
    y, x = numpy.mgrid[0:40, 0:56]
    rgb = numpy.stack([x * 4, y * 6, 255 - (x + y) * 2], -1).astype("u1")
    ppm = io.BytesIO()
    Image.fromarray(rgb).save(ppm, "PPM")
    together = tool("cjpeg", "-quality", "90", "-sample", "2x2", data=ppm.getvalue())
    (HERE / "together.jpg").write_bytes(together)
    for name, scans in [("separate", "0; 1; 2;"), ("other_order", "1; 2; 0;"), ("two_scans", "1 2; 0;")]:
        script = HERE / "scans.txt"
        script.write_text(scans)
        (HERE / f"{name}.jpg").write_bytes(tool("jpegtran", "-scans", str(script), data=together))
        script.unlink()
    finer = tool("cjpeg", "-quality", "90", "-sample", "1x1,2x2,2x2", data=ppm.getvalue())
    (HERE / "colours_finer.jpg").write_bytes(finer)


def xyz(values):
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def profile(space, tags, connection=b"XYZ "):
    description = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = [(b"desc", description), (b"cprt", b"text\0\0\0\0none\0"), (b"wtpt", xyz((0.9642, 1, 0.8249)))] + tags
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags:
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", 132 + 12 * len(tags) + len(body), b"test", 0x02400000, b"mntr", space, connection)
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body


def rgb_profile(colours, curve):
    tags = [(name + b"XYZ", xyz(colour)) for name, colour in zip((b"r", b"g", b"b"), colours)]
    return profile(b"RGB ", tags + [(name + b"TRC", curve) for name in (b"r", b"g", b"b")])


def cmyk_profile():
    """Inks on paper that is not quite white, as a table of Lab at three points of each ink."""
    inks = numpy.array([[0.02, 0.35, 0.6], [0.6, 0.03, 0.2], [0.75, 0.65, 0.03], [0.03, 0.03, 0.03]])
    light = numpy.full((3, 3, 3, 3, 3), 0.97)
    for amount, ink in zip(numpy.meshgrid(*[numpy.linspace(0, 1, 3)] * 4, indexing="ij"), inks):
        light = light * (1 - amount[..., None] * (1 - ink))
    matrix = numpy.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7142]])
    part = light @ matrix.T / [0.9642, 1, 0.8249]
    root = numpy.where(part > (24 / 116) ** 3, numpy.cbrt(part), part * 841 / 108 + 16 / 116)
    lab = [116 * root[..., 1] - 16, 500 * (root[..., 0] - root[..., 1]), 200 * (root[..., 1] - root[..., 2])]
    table = numpy.stack([lab[0] * 652.8, (lab[1] + 128) * 256, (lab[2] + 128) * 256], -1).round().clip(0, 65535)
    line = struct.pack(">HH", 0, 65535)
    one = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft2\0\0\0\0" + bytes([4, 3, 3, 0]) + one + struct.pack(">HH", 2, 2)
    return profile(b"CMYK", [(b"A2B0", lut + line * 4 + table.astype(">u2").tobytes() + line * 3)], b"Lab ")


def profiles():
    """Colours with a profile, NAME.tif, and the same colours in sRGB, NAME.png."""
    random = numpy.random.default_rng(5)
    p3 = [(0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)]
    adobe = [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)]
    srgb = b"para\0\0\0\0" + struct.pack(">HH", 3, 0)
    srgb += b"".join(struct.pack(">i", round(v * 65536)) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    for name, data, mode, channels in [
        ("display_p3", rgb_profile(p3, srgb), "RGB", 3),
        ("adobe_rgb", rgb_profile(adobe, gamma(2.19921875)), "RGB", 3),
        ("grey_gamma", profile(b"GRAY", [(b"kTRC", gamma(1.8))]), "L", 1),
        ("inks", cmyk_profile(), "CMYK", 4),
        ("srgb", ImageCms.ImageCmsProfile(SRGB).tobytes(), "RGB", 3),
    ]:
        corners = numpy.array(numpy.meshgrid(*[[0, 255]] * channels)).reshape(channels, -1).T
        values = numpy.concatenate([corners, random.integers(0, 256, (64 - len(corners), channels))]).astype("u1")
        picture = Image.fromarray(values.reshape((8, 8, channels) if channels > 1 else (8, 8)), mode)
        picture.save(HERE / f"{name}.tif", icc_profile=data)
        source = ImageCms.ImageCmsProfile(io.BytesIO(data))
        ImageCms.profileToProfile(picture, source, SRGB, outputMode="RGB").save(HERE / f"{name}.png")


if __name__ == "__main__":
    jpegs()
    profiles()
