"""Pictures go both ways: an upload becomes an input, a result that is dropped brings its graph back, and a subgraph survives it."""

import base64
import pathlib
import struct
import zlib

from checks import expect, until

RENDERERS = ["canvas", "vue"]
HERE = pathlib.Path(__file__).parent


def png(width, height, colour):
    """A picture of one colour."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(colour) * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def size(picture):
    """Width and height of a PNG."""
    return struct.unpack(">II", picture[16:24])


def texts(picture):
    """The names of a PNG's text chunks."""
    found, at = [], 8
    while at < len(picture):
        length, kind = struct.unpack(">I4s", picture[at : at + 8])
        if kind in (b"tEXt", b"iTXt", b"zTXt"):
            found.append(picture[at + 8 : at + 8 + length].split(b"\0")[0].decode())
        at += length + 12
    return found


def made(page, name):
    """Builds one of the workflows of workflows.js in the page."""
    for script in ("making.js", "workflows.js"):
        page.tab.evaluate((HERE / script).read_text())
    page.tab.evaluate("name => makeWorkflow.make(name)", name)


def upload(site):
    page = site.open("/?template=thumbnail")
    until(lambda: len(page.nodes()) > 1, "expected the graph of the link to open")
    made(page, "load-save")
    load = page.node("std.LoadImage")
    page.look_at(load)
    name = f"uploaded-{site.renderer} ü.png"
    with page.tab.expect_file_chooser() as chooser:
        if site.renderer == "vue":
            page.tab.evaluate("id => void app.graph._nodes.find(n => String(n.id) === id).widgets.find(w => w.name === 'upload').callback()", load)
        else:
            page.tab.mouse.click(*page.place(load, "upload"))
    chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": png(90, 60, (200, 40, 10))})
    until(lambda: page.value(load, "path") == name, lambda: f"expected the upload to be chosen, got {page.value(load, 'path')}")
    site.shot("upload")
    page.run()
    address = until(lambda: page.pictures(page.node("std.SaveImage")), "expected a result")[0]
    picture = site.server.request(address)[2]
    expect(size(picture) == (90, 60), f"expected the picture that was uploaded, got {size(picture)}")


def chosen(site):
    """The upload is a choice of the list after the page asked for the classes again."""
    info = site.server.get("/object_info/std.LoadImage")["std.LoadImage"]["input"]
    choices = {**info.get("required", {}), **info.get("optional", {})}["path"][0]
    expect(f"uploaded-{site.renderer} ü.png" in choices, f"expected the upload among the choices, got {choices}")


def dropped(site):
    page = site.page
    page.set(page.node("std.SaveImage"), "path", f"dropped-{site.renderer}.png")
    page.run()
    address = until(lambda: page.pictures(page.node("std.SaveImage")), "expected a result")[0]
    picture = site.server.request(address)[2]
    expect({"prompt", "workflow"} <= set(texts(picture)), f"expected the chunks prompt and workflow, got {texts(picture)}")
    before = [n["type"] for n in page.nodes()]
    page = site.open("/?template=layout")
    until(lambda: len(page.nodes()) > 2, "expected the graph of the link to open")
    page.drop(base64.b64encode(picture).decode(), "result.png", "image/png")
    until(lambda: [n["type"] for n in page.nodes()] == before, lambda: f"expected the nodes {before}, got {[n['type'] for n in page.nodes()]}", 5)
    expect(page.value(page.node("std.SaveImage"), "path") == f"dropped-{site.renderer}.png", "expected the values to come back")
    page.run()


def subgraph(site):
    page = site.page
    made(page, "nested-subgraph")
    # So that the other renderer's run is not in the cache.
    page.set(page.node("std.Resize"), "width", 240 + 8 * RENDERERS.index(site.renderer))
    job = page.since(page.run(), "execution_start")[0]["prompt_id"]
    ids = list(site.server.get(f"/api/jobs/{job}")["workflow"]["prompt"])
    expect(any(i.count(":") == 2 for i in ids), f"expected nodes with ids such as 1:2:3, got {sorted(ids)}")
    address = until(lambda: page.pictures(page.node("std.SaveImage")), "expected a result")[0]
    site.picture = site.server.request(address)[2]
    page.tab.evaluate("void app.extensionManager.command.execute('Comfy.Canvas.FitView')")
    page.tab.wait_for_timeout(400)
    site.shot("subgraph")


def subgraph_back(site):
    page = site.open("/?template=layout")
    until(lambda: len(page.nodes()) > 2, "expected the graph of the link to open")
    page.drop(base64.b64encode(site.picture).decode(), "nested.png", "image/png")
    until(lambda: page.tab.evaluate("app.graph._nodes.some(n => n.subgraph?._nodes.some(i => i.subgraph))"), "expected a subgraph inside a subgraph to come back", 5)
    page.run()


CHECKS = [
    ("a picture is uploaded, used and shown", upload),
    ("the upload is among the choices", chosen),
    ("a result that is dropped brings its graph back", dropped),
    ("a nested subgraph runs", subgraph),
    ("its result brings the subgraph back", subgraph_back),
]
