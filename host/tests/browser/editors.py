"""The editors of inputs inside nodes of the official front end: tokens and boxes, with the mouse."""

import json

from checks import until
from drawing import Drawing, boxes, by_command, centres, edit, expect_picture, many

RENDERERS = ["canvas", "vue"]


def idle(site):
    """Waits until no job runs or waits, and the page has shown the last one."""
    until(lambda: not any(site.server.get("/queue").values()), "expected the jobs to end", 30)
    site.page.tab.wait_for_timeout(250)


def value(site, node, name):
    return json.loads(site.page.value(node, name) or "[]")


def result(site):
    """The newest picture of the first node that saves one."""
    shown = site.page.pictures(site.page.node("std.SaveImage"))
    return shown and site.server.request(shown[0])[2]


def opened(site):
    page = site.open("/?template=retouch")
    until(lambda: len(page.nodes()) > 5, "expected the graph of the link to open")
    site.node = page.node("gpstoken.EditTokens")
    page.look_at(site.node, 1.1)
    site.drawing = Drawing(page.tab, "token-canvas")
    site.shot("before")
    site.job = page.since(page.run(), "execution_start")[0]["prompt_id"]
    until(lambda: site.drawing.said() == "256 tokens", lambda: f"expected 256 tokens, got {site.drawing.said()!r}")
    page.tab.wait_for_timeout(300)
    site.shot("tokens")


def session(site):
    page = site.page
    site.places = centres(site.server.get(f"/api/values/{site.job}/{page.node('gpstoken.RefineTokens')}/tokens"))
    site.edits = edit(site.drawing, site.places, lambda: value(site, site.node, "edits"), lambda: idle(site))
    site.shot("edited")
    return json.dumps(site.edits)[:110]


def picture(site):
    expect_picture(lambda: result(site), by_command(site, "retouch", {"edits": json.dumps(site.edits)}))


def latency(site):
    return many(site.drawing, site.places, site.edits[0], lambda: idle(site))


def cleared(site):
    """Edits run again after the queue was cleared while their job waited."""
    waiting = lambda: len(site.server.get("/queue")["queue_pending"])
    move = lambda: Drawing(site.page.tab, "token-canvas").canvas.press("ArrowRight")
    for seed in range(8):
        site.server.post("/api/run", {"graph": "generate", "inputs": {"steps": 4000, "seed": seed}})
    others = until(waiting, "expected jobs to wait")
    move()
    until(lambda: waiting() > others, "expected the job of an edit to wait")
    site.server.post("/queue", {"clear": True})
    site.server.post("/interrupt", {})
    idle(site)
    site.page.tab.wait_for_timeout(1500)
    before = site.page.tab.evaluate("shown.length")
    move()
    until(lambda: site.page.tab.evaluate("shown.length") > before, "expected a new picture after one more edit", 10)


def drawn(site):
    page = site.open("/?template=generate-from-layout")
    until(lambda: len(page.nodes()) > 5, "expected the graph of the link to open")
    node, texture = page.node("gpstoken.BoxLayout"), page.node("gpstoken.TextureDiffusion")
    page.set(texture, "steps", 4)
    page.set(texture, "preview_every", 0)
    page.look_at(node, 1.1)
    made = boxes(Drawing(page.tab, "box-canvas"), lambda: value(site, node, "boxes"))
    expect_picture(lambda: result(site), by_command(site, "generate-from-layout", {"boxes": json.dumps(made), "steps": 4}))
    site.shot("boxes")


CHECKS = [
    ("tokens appear on the canvas after a run", opened),
    ("12 tokens are selected, moved, scaled, deleted and brought back", session),
    ("the picture is that of the same edits on the command line", picture),
    ("30 edits in a row", latency),
    ("edits run after the queue was cleared", cleared),
    ("two boxes are drawn, and their picture follows", drawn),
]
