"""App mode: the named inputs of a graph as a form."""

import json

from checks import expect, until
from server import PROJECT

GRAPH = "reconstruct"


def form(site):
    page = site.open(f"/?template={GRAPH}&source=splatgraph&mode=linear")
    page.tab.get_by_test_id("linear-widgets").wait_for()
    page.tab.wait_for_timeout(500)
    skip = page.tab.get_by_role("button", name="Skip")
    tour = skip.count() > 0
    if tour:
        site.shot("tour")
        skip.first.click()
    rows = page.tab.get_by_test_id("app-mode-widget-item")
    named = json.loads((PROJECT / "graphs" / f"{GRAPH}.json").read_text())["inputs"]
    until(lambda: rows.count() >= len(named), lambda: f"expected a row for each of {list(named)}, got {rows.count()}")
    site.shot("form")
    expect(not tour, "expected the form at once, got a tour in front of it")


def labels(site):
    text = [label.strip() for label in site.page.tab.get_by_test_id("builder-widget-label").all_inner_texts()]
    named = list(json.loads((PROJECT / "graphs" / f"{GRAPH}.json").read_text())["inputs"])
    expect(all(any(name in label for label in text) for name in named), f"expected the names {named}, got {text}")


def run(site):
    page = site.page
    mark = page.mark()
    page.tab.get_by_test_id("linear-run-button").get_by_role("button", name="Run").click()
    page.ended(mark)
    picture = page.tab.get_by_test_id("linear-center-panel").locator("img").first
    until(lambda: picture.count() and picture.evaluate("i => i.naturalWidth > 0"), "expected the result in the middle")
    page.tab.wait_for_timeout(400)
    site.shot("result")


CHECKS = [
    ("a link opens the form of a graph", form),
    ("the rows have the names of the inputs", labels),
    ("Run shows the result", run),
]
