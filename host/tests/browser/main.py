"""Runs the acceptance tests of `splatgraph serve`: the official front end in Chromium, and clients of others.

    main.py --program target/release/splatgraph [--address http://127.0.0.1:8188] [topic ...]
"""

import argparse
import importlib
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from checks import Results
from page import Page
from server import PROJECT, Server

# In this order: what everything else needs comes first.
TOPICS = ["first_start", "running", "errors", "jobs", "pictures", "parts", "app_mode", "replacements", "conversion", "editors", "lite", "clients"]


class Site:
    """What a topic needs: the server, the browser and pages in it."""

    def __init__(self, server, browser, results, renderer):
        self.server, self.browser, self.results, self.renderer = server, browser, results, renderer
        self.page = None

    def open(self, path="/"):
        """Opens a page with a new session, which is closed after the topic."""
        self.close()
        self.page = Page(self.browser(), self.server.address, path, self.renderer)
        return self.page

    def close(self):
        if self.page:
            self.page.close()
        self.page = None


def frontend():
    """The front end that the environment of this Python has."""
    import comfyui_frontend_package

    return pathlib.Path(comfyui_frontend_package.__file__).parent / "static"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=PROJECT / "target/release/splatgraph", type=pathlib.Path)
    parser.add_argument("--address", help="a server that runs already")
    parser.add_argument("--frontend", default=None, type=pathlib.Path)
    parser.add_argument("--shots", default=PROJECT / "serve-shots", type=pathlib.Path, help="folder for screenshots")
    parser.add_argument("topics", nargs="*", default=TOPICS)
    options = parser.parse_args()

    start = time.monotonic()
    results = Results()
    options.shots.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    opened = []

    def browser():
        if not opened:
            from playwright.sync_api import sync_playwright

            playwright = sync_playwright().start()
            opened.extend([playwright, playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])])
        return opened[1]

    server = Server(options.program.resolve(), options.frontend or frontend(), options.address).start()
    try:
        for name in options.topics:
            if results.useless:
                print(f"left out: {name}")
                continue
            topic = importlib.import_module(name)
            for renderer in getattr(topic, "RENDERERS", ["canvas"]):
                site = Site(server, browser, results, renderer)

                def shot(text):
                    if site.page:
                        site.page.tab.screenshot(path=options.shots / f"{name}-{renderer}-{''.join(c if c.isalnum() else '-' for c in text)[:60]}.png")

                results.on_failure = lambda text: shot("failed " + text)
                site.shot = shot
                label = f"{name}, {renderer}" if len(getattr(topic, "RENDERERS", [])) > 1 else name
                for at, (text, check) in enumerate(topic.CHECKS):
                    passed = results.run(f"{label}: {text}", lambda: check(site))
                    # A topic's first check opens what the others look at.
                    if results.useless or (at == 0 and not passed and name != "clients"):
                        print(f"left out: the other {len(topic.CHECKS) - 1 - at} checks of {label}")
                        break
                if site.page:
                    results.run(f"{label}: no complaint in the console, no 404, no request to the outside", site.page.quiet)
                site.close()
    finally:
        if opened:
            opened[1].close()
            opened[0].stop()
        server.remove()
    print(f"{results.told()} in {time.monotonic() - start:.0f} s")
    sys.exit(1 if results.failed else 0)


if __name__ == "__main__":
    main()
