"""The first visit: the gallery, its pictures, and a graph of it; links that open a graph."""

import json

from checks import expect, until
from server import PROJECT

RENDERERS = ["canvas", "vue"]


def keys(graph):
    """The keys of all nodes of a graph."""
    return {key for node in json.loads(graph.read_text())["nodes"].values() for key in node}



# Graphs that take a file which the user brings: the page says that it is missing.
BRING = ["evaluate", "features", "generate-from-bank", "generate-one-stage", "measure", "measure-against-file", "measure-reconstruction", "table-1", "table-2", "table-2-one-stage"]
# Graphs that the gallery must have. The front end has no nodes that repeat a graph.
GRAPHS = [p.stem for p in (PROJECT / "graphs").glob("*.json") if p.stem != "schema" and not {"each", "fold"} & keys(p)]


def cards(page):
    return page.tab.locator('[data-testid^="template-workflow-"]')


def gallery(site):
    page = site.open()
    until(lambda: cards(page).count() >= 4, "expected the gallery to open by itself")
    page.tab.wait_for_timeout(500)
    site.shot("gallery")
    expect(not page.nodes(), f"expected an empty canvas behind it, got {[n['type'] for n in page.nodes()]}")
    expect(not page.has("error-overlay"), "expected no error, got the overlay with errors")


def complete(site):
    # The list shows pictures only where one looks.
    tab, seen = site.page.tab, {}
    script = """() => [...document.querySelectorAll('[data-testid^="template-workflow-"]')].map(card =>
        [card.dataset.testid.slice(18), [...card.querySelectorAll('img')].some(i => i.complete && i.naturalWidth > 0)])"""
    cards(site.page).first.hover()
    for step in range(36):
        if step:
            tab.mouse.wheel(0, 400)
        tab.wait_for_timeout(150)
        for name, picture in tab.evaluate(script):
            seen[name] = seen.get(name, False) or picture
    missing = [g for g in GRAPHS if g not in seen]
    expect(not missing, f"expected a card for each graph, got none for {missing}")
    bare = [name for name, picture in seen.items() if not picture]
    expect(not bare, f"expected a picture on each card, got none for {bare}")
    return f"{len(seen)} graphs"


def card(site):
    page = site.page
    page.tab.get_by_test_id("template-workflow-reconstruct").first.click()
    until(lambda: len(page.nodes()) > 5, "expected the graph to open")
    page.tab.wait_for_timeout(800)
    site.shot("reconstruct")
    red(page)


def red(page, missing=False):
    """No node is unknown, none lies on another, and nothing complains, except for a missing file."""
    nodes = page.nodes()
    unknown = [n["type"] for n in nodes if not n["known"]]
    expect(not unknown, f"expected known classes, got {unknown}")
    expect(missing or not page.has("error-overlay"), "expected no error, got the overlay with errors")
    for a in nodes:
        for b in nodes:
            if a["id"] < b["id"]:
                apart = any(a["pos"][i] + a["size"][i] <= b["pos"][i] or b["pos"][i] + b["size"][i] <= a["pos"][i] for i in (0, 1))
                expect(apart, f"expected {a['title']} beside {b['title']}, got one on the other: {a['pos']} {a['size']}, {b['pos']} {b['size']}")


def all_open(site):
    page = site.page
    if site.renderer == "vue":
        graphs = ["edit-move", "generate"]
    else:
        graphs = GRAPHS
    for graph in graphs:
        status, _, body = site.server.request(f"/api/workflow_templates/splatgraph/{graph}.json")
        expect(status == 200, f"expected the workflow of {graph}, got {status}")
        page.tab.evaluate("text => app.loadGraphData(JSON.parse(text))", body.decode())
        own = json.loads((PROJECT / "graphs" / f"{graph}.json").read_text())
        plain = [n for n in own["nodes"].values() if not n["class_type"].startswith("./")]
        expect(len(page.nodes()) >= len(plain), f"expected {len(own['nodes'])} nodes of {graph}, got {len(page.nodes())}")
        page.tab.wait_for_timeout(150)
        try:
            red(page, graph in BRING)
        except AssertionError as error:
            raise AssertionError(f"{graph}: {error}") from None
    return f"{len(graphs)} graphs"


def link(site):
    page = site.open("/?template=edit-move&source=splatgraph")
    until(lambda: len(page.nodes()) > 5, "expected the graph of the link to open")
    expect(not page.has("template-workflows-content"), "expected no gallery in front of it, got one")
    red(page)
    site.shot("deep link")


def listed(site):
    listing = site.server.get("/api/userdata?dir=workflows&recurse=true&split=false&full_info=true")
    paths = [entry["path"] for entry in listing]
    expect("graphs/reconstruct.json" in paths, f"expected graphs/reconstruct.json in the list of workflows, got {paths[:5]}")
    page = site.page
    page.tab.get_by_test_id("workflows-tab-button").click()
    until(lambda: page.tab.get_by_text("graphs", exact=True).first.is_visible(), "expected the folder graphs in the side bar")
    site.shot("workflows")


CHECKS = [
    ("the gallery opens by itself over an empty canvas", gallery),
    ("it has every graph, each with a picture", complete),
    ("a card opens its graph, no node is red", card),
    ("every graph opens with known nodes side by side", all_open),
    ("a link opens its graph", link),
    ("the graphs are in the list of workflows", listed),
]
