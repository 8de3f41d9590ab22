"""A graph is opened, changed and run: progress, live previews, results, and a second run that is cached."""

from checks import expect, until

RENDERERS = ["canvas", "vue"]


def opened(site):
    page = site.open("/?template=reconstruct")
    until(lambda: len(page.nodes()) > 5, "expected the graph of the link to open")


def change(site):
    page = site.page
    page.type_number(page.node("gpstoken.InitTokens"), "tokens", 96)
    site.shot("96 tokens")
    mine = page.tab.evaluate("app.graphToPrompt().then(p => Object.values(p.output).find(n => n.class_type === 'gpstoken.InitTokens').inputs.tokens)")
    expect(mine == 96, f"expected 96 tokens in what is sent, got {mine}")


def run(site):
    page = site.page
    page.tab.evaluate("app.canvas.ds.reset(); void app.extensionManager.command.execute('Comfy.Canvas.FitView')")
    site.mark = page.run()
    start = page.since(site.mark, "execution_start")
    expect(len(start) == 1, f"expected one job, got {len(start)}")
    expect(page.since(site.mark, "executing")[-1]["node"] is None, "expected `executing` with no node at the end")


def results(site):
    page = site.page
    saves = [n["id"] for n in page.nodes() if n["type"] == "std.SaveImage"]
    until(lambda: all(page.pictures(n) for n in saves), "expected a picture on each SaveImage")
    for node in saves:
        for address in page.pictures(node):
            status, headers, body = site.server.request(address)
            expect(status == 200 and body[:4] == b"\x89PNG", f"expected a PNG at {address}, got {status} and {body[:10]!r}")
            expect(headers["content-type"] == "image/png", f"expected image/png, got {headers['content-type']}")
    page.tab.wait_for_timeout(700)
    site.shot("result")
    return f"{len(saves)} pictures"


def shown(site):
    """The picture is drawn on the node, not only known to the page."""
    page = site.page
    save = page.node("std.SaveImage")
    if site.renderer == "vue":
        page.look_at(save, 0.8)
        picture = page.tab.locator(f'[data-node-id="{save}"] img').first
        until(lambda: picture.count() and picture.evaluate("i => i.naturalWidth") > 0, "expected the picture in the node")
    else:
        until(lambda: page.tab.evaluate("id => app.graph._nodes.find(n => String(n.id) === id).imgs?.[0]?.naturalWidth > 0", save), "expected the picture in the node")


def cached(site):
    page = site.page
    mark = page.run()
    finished = page.since(mark, "execution_cached")
    expect(finished, "expected `execution_cached`, got none")
    kept = set(finished[0]["nodes"])
    ran = [m["node"] for m in page.since(mark, "executing") if m["node"]]
    slow = [n for n in page.nodes() if n["id"] in ran and not n["type"].startswith("std.Save")]
    expect(not slow, f"expected nothing to run again, got {[n['title'] for n in slow]}")
    expect(len(kept) >= 8, f"expected most nodes in `execution_cached`, got {sorted(kept)}")
    until(lambda: page.pictures(page.node("std.SaveImage")), "expected the result to be shown again")
    return f"{len(kept)} nodes cached"


def only_what_follows(site):
    page = site.page
    page.set(page.node("gpstoken.DrawTokens"), "sigmas", 2 + RENDERERS.index(site.renderer))
    mark = page.run()
    ran = {m["node"] for m in page.since(mark, "executing") if m["node"]}
    names = {n["type"] for n in page.nodes() if n["id"] in ran}
    expect(names <= {"gpstoken.DrawTokens", "std.SaveImage"} and "gpstoken.DrawTokens" in names, f"expected only DrawTokens and what saves it to run, got {sorted(names)}")


def preview(site):
    """A generator shows pictures while it runs."""
    page = site.open("/?template=generate-from-layout")
    until(lambda: len(page.nodes()) > 5, "expected the graph of the link to open")
    texture = page.node("gpstoken.TextureDiffusion")
    page.set(texture, "preview_every", 4)
    page.set(texture, "steps", 40)
    # A seed of its own, as another renderer's run is in the cache.
    page.set(texture, "seed", 40 + RENDERERS.index(site.renderer))
    page.look_at(texture, 0.7)
    mark = page.press_run()
    until(lambda: page.since(mark, "binary"), "expected a live preview", 40, 0.02)
    page.tab.wait_for_timeout(150)
    site.shot("live preview")
    page.ended(mark, seconds=60)
    frames = page.since(mark, "binary")
    kinds = {f["kind"] for f in frames}
    expect(kinds == {4}, f"expected previews with their node, which are frames of kind 4, got {kinds}")
    expect(texture.encode() in frames[0]["head"], f"expected the preview of node {texture}, got {frames[0]['head'][:200]}")
    steps = page.since(mark, "progress") + page.since(mark, "progress_state")
    expect(len(steps) > 2, f"expected progress, got {len(steps)} messages")
    return f"{len(frames)} previews, {len(steps)} messages about progress"


def reload(site):
    page = site.page
    before = page.nodes()
    page.tab.wait_for_timeout(1200)
    page.tab.reload()
    page.ready()
    until(lambda: len(page.nodes()) == len(before), lambda: f"expected {len(before)} nodes after a reload, got {len(page.nodes())}")
    expect([n["type"] for n in page.nodes()] == [n["type"] for n in before], "expected the same nodes after a reload")
    expect(not page.has("error-overlay"), "expected no error, got the overlay with errors")
    page.run(60)
    site.shot("after a reload")


def saved(site):
    """Saves with the keyboard, under a name, and opens it in another session."""
    page = site.page
    name = f"saved-{site.renderer}"
    page.tab.mouse.click(800, 900)
    page.tab.keyboard.press("Control+s")
    field = page.tab.get_by_role("dialog").locator("input").first
    field.fill(name)
    site.shot("save")
    field.press("Enter")
    until(lambda: f"{name}.json" in [e["path"] for e in site.server.get("/api/userdata?dir=workflows&recurse=true&split=false&full_info=true")], "expected the workflow in the list")
    stored = site.server.get(f"/api/userdata/workflows%2F{name}.json")
    expect(len(stored["nodes"]) == len(page.nodes()), f"expected {len(page.nodes())} nodes in the stored workflow, got {len(stored['nodes'])}")


CHECKS = [
    ("reconstruct opens by its link", opened),
    ("the number of tokens is typed", change),
    ("it runs to its end", run),
    ("three results can be fetched", results),
    ("a result is drawn on its node", shown),
    ("a second run is cached", cached),
    ("a change runs only what follows", only_what_follows),
    ("a generator shows live previews", preview),
    ("a reload restores the graph, and it runs", reload),
    ("Ctrl+S stores the workflow under a name", saved),
]
