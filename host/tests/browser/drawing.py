"""A mouse session on the editors of inputs, which are the same in the official front end and on the page /lite."""

import io
import itertools
import json
import statistics
import subprocess

from checks import Skip, expect, until
from server import PROJECT

CHOSEN = 12
EDITS = 30
# From the mouse's release to the new picture, in milliseconds: what fails anywhere, and what 2 cores reach that do nothing else.
LIMIT = 1500
AIM = 150
# How often the moves of `many` were made.
ROUNDS = itertools.count()
WATCH = """() => {
    window.released = []; window.previews = []; window.shown = []
    addEventListener('pointerup', () => released.push(performance.now()), true)
    addEventListener('picture-shown', ({ detail }) => (detail instanceof Blob ? previews : shown).push(performance.now()), true)
    // From now on: the times from the next release to the first draft and to the picture.
    window.newest = () => {
        const [released, drafts] = [window.released.length, previews.length]
        newest.picture = new Promise((then) => {
            const end = (picture) => {
                removeEventListener('picture-shown', look, true)
                const since = (at) => (at ? at - window.released[released] : null)
                then([since(previews[drafts]), since(picture)])
            }
            const look = () => window.released.length > released && shown.at(-1) > window.released[released] && end(shown.at(-1))
            addEventListener('picture-shown', look, true)
            setTimeout(end, 10_000)
        })
    }
}"""


def pixels(picture):
    """The pixels of a picture's bytes."""
    try:
        from PIL import Image
    except ImportError:
        raise Skip("pillow is not installed") from None
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    return image.size, image.tobytes()


def by_command(site, graph, values):
    """The picture that the command line makes of a graph with these values."""
    folder = site.server.folder / "command"
    folder.mkdir(exist_ok=True)
    command = [site.server.program, "run", PROJECT / "graphs" / f"{graph}.json", *(f"{name}={value}" for name, value in values.items()), f"output={folder / 'picture.png'}"]
    run = subprocess.run([str(c) for c in command], cwd=folder, capture_output=True, text=True, timeout=120)
    expect(run.returncode == 0, f"expected the same on the command line, got: {run.stderr[-800:]}")
    written = sorted(folder.glob("*.png"), key=lambda p: p.stat().st_mtime)
    expect((folder / "picture.png") in written, f"expected picture.png, got {written}")
    return (folder / "picture.png").read_bytes()


def expect_picture(picture, want):
    """Waits until a picture, which `picture` fetches, has the pixels of another one: the last job of several may still run."""
    want = pixels(want)

    def same():
        got = picture()
        return got and pixels(got) == want

    until(same, "expected the pixels of the same graph on the command line, got others", 30, 0.3)


class Drawing:
    """An editor's canvas on a tab."""

    def __init__(self, tab, name):
        self.tab = tab
        self.canvas = tab.get_by_test_id(name)
        self.canvas.wait_for()
        tab.evaluate(WATCH)

    def said(self):
        """What the editor says of itself, to screen readers too."""
        return self.canvas.locator("xpath=..").get_by_role("status").inner_text()

    def at(self, x, y):
        """Where a place of the picture is on the screen."""
        box = self.canvas.bounding_box()
        scale = min(box["width"], box["height"]) / 256
        return box["x"] + (box["width"] - 256 * scale) / 2 + x * scale, box["y"] + (box["height"] - 256 * scale) / 2 + y * scale

    def drag(self, start, end):
        self.tab.mouse.move(*self.at(*start))
        self.tab.mouse.down()
        for step in range(1, 5):
            self.tab.mouse.move(*self.at(*(a + (b - a) * step / 4 for a, b in zip(start, end))))
        self.tab.mouse.up()

    def click(self, place, add=False):
        if add:
            self.tab.keyboard.down("Shift")
        self.tab.mouse.click(*self.at(*place))
        if add:
            self.tab.keyboard.up("Shift")


def centres(record):
    """The centres of a record's tokens in pixels: coordinates of -1..1 lie on the centres of the outermost pixels."""
    gaussians = record["tensors"]["gaussians"]
    rows = [gaussians["data"][i : i + 5] for i in range(0, len(gaussians["data"]), 5)]
    return [((row[3] + 1) * 127.5 + 0.5, (row[4] + 1) * 127.5 + 0.5) for row in rows]


def select(drawing, places):
    """Clicks and shift-clicks tokens about the cat's eye that lie apart enough to be met."""
    order = sorted(range(len(places)), key=lambda i: (places[i][0] - 105) ** 2 + (places[i][1] - 95) ** 2)
    chosen = []
    for i in order:
        if all((places[i][0] - places[j][0]) ** 2 + (places[i][1] - places[j][1]) ** 2 > 9 for j in range(len(places)) if j != i):
            chosen.append(i)
        if len(chosen) == CHOSEN:
            break
    for nth, i in enumerate(chosen):
        drawing.click(places[i], add=nth > 0)
    until(lambda: drawing.said() == f"{CHOSEN} tokens selected", lambda: f"expected {CHOSEN} tokens selected, got {drawing.said()!r}", 5)
    return chosen


def edit(drawing, places, value, idle):
    """Selects, moves, scales, deletes and undoes. `value` reads the JSON of the input, `idle` waits until all jobs are done."""
    # A drag that begins on a token selects all that it crosses.
    x, y = min(places, key=lambda place: (place[0] - 105) ** 2 + (place[1] - 95) ** 2)
    drawing.drag((x, y), (x + 40, y + 30))
    until(lambda: drawing.said().endswith("tokens selected"), lambda: f"expected tokens to be selected, got {drawing.said()!r}", 5)
    expect(value() == [], f"expected no edit, got {value()}")
    drawing.tab.keyboard.press("Escape")
    chosen = select(drawing, places)
    x, y = places[chosen[0]]
    drawing.drag((x, y), (x + 14, y - 9))
    until(lambda: len(value()) == 1, lambda: f"expected one edit, got {value()}", 5)
    idle()
    drawing.tab.mouse.move(*drawing.at(x + 14, y - 9))
    for _ in range(3):
        drawing.tab.mouse.wheel(0, -120)
        drawing.tab.wait_for_timeout(60)
    until(lambda: abs(value()[0].get("scale_x", 1) - 1.05**3) < 0.001, "expected a scale of 1.05^3", 5)
    idle()
    moved = value()
    # Keys are for the canvas after a button, too; the front end would delete the node.
    for _ in range(2):
        drawing.canvas.locator("xpath=..").get_by_role("button", name="Hide or show dots (H)").click()
    drawing.tab.keyboard.press("Delete")
    until(lambda: len(value()) == 2, lambda: f"expected two edits, got {value()}", 5)
    deleted = value()
    idle()
    drawing.tab.keyboard.press("Control+z")
    until(lambda: value() == moved, lambda: f"expected {moved} after undo, got {value()}", 5)
    idle()

    indices = sorted(chosen)
    expect(deleted[1] == {"edit": "delete", "select": {"indices": indices}}, f"expected the tokens {indices} to be deleted, got {deleted[1]}")
    transform = moved[0]
    expect(len(moved) == 1 and transform["edit"] == "transform" and transform["select"] == {"indices": indices}, f"expected one transform of {indices}, got {moved}")
    expect(abs(transform["move_x"] - 14) < 1 and abs(transform["move_y"] + 9) < 1, f"expected a move by 14, -9, got {transform}")
    expect(abs(transform["scale_x"] - 1.05**3) < 0.001 and transform["scale_y"] == transform["scale_x"], f"expected a scale of 1.05^3, got {transform}")
    expect("rotate" not in transform, f"expected no turn, got {transform}")
    return moved


def boxes(drawing, value):
    """Draws two boxes."""
    before = value()
    drawing.drag((12, 140), (100, 236))
    until(lambda: len(value()) == len(before) + 1, lambda: f"expected one more box than {before}, got {value()}", 5)
    drawing.drag((200, 20), (246, 120))
    until(lambda: len(value()) == len(before) + 2, lambda: f"expected two more boxes than {before}, got {value()}", 5)
    expect(value()[: len(before)] == before, f"expected {before} to stay, got {value()}")
    for box, want in zip(value()[len(before) :], ([12, 140, 100, 236], [200, 20, 246, 120])):
        expect(all(abs(a - b) <= 1 for a, b in zip(box, want)), f"expected the box {want}, got {box}")
    return value()


def moved(places, transform):
    """Where the first token of a transform is after it: scales act about the tokens' centre."""
    chosen = [places[i] for i in transform["select"]["indices"]]
    middle = [sum(place[axis] for place in chosen) / len(chosen) for axis in (0, 1)]
    return [m + (p - m) * transform["scale_x"] + transform[f"move_{axis}"] for m, p, axis in zip(middle, chosen[0], "xy")]


def many(drawing, places, transform, idle):
    """30 moves, one after the other; the medians from the release to the draft of the new picture, and to the picture itself.

    Earlier results are kept, also those of another page of the same server. So each move ends at a new place.
    """
    tab, drafts, took = drawing.tab, [], []
    row = 2 * next(ROUNDS)
    x, y = moved(places, transform)
    drawing.click((x, y))
    for n in range(EDITS):
        dx = (5 + n) * (1 if n % 2 == 0 else -1)
        dy = row if n == 0 else 0
        # The page waits by itself: to ask it again and again takes a tenth of the processor.
        tab.evaluate("newest()")
        drawing.drag((x, y), (x + dx, y + dy))
        draft, picture = tab.evaluate("newest.picture")
        expect(picture is not None, f"expected a new picture after edit {n + 1} within 10 s")
        took.append(picture)
        drafts += [draft] if draft else []
        x, y = x + dx, y + dy
    idle()
    # A page that is slow to read gets no previews.
    expect(len(drafts) > EDITS / 2, f"expected a draft of most pictures, got {len(drafts)} of {EDITS}")
    draft, median = map(statistics.median, (drafts, took))
    expect(median < LIMIT, f"expected a median below {LIMIT} ms, got {median:.0f} ms; the slowest took {max(took):.0f} ms")
    return f"a draft after {draft:.0f} ms, the picture after {median:.0f} ms, at most {max(took):.0f} ms; {AIM} ms are the aim for a machine that does nothing else"
