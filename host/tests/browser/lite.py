"""The page /lite, which is always there: gallery, form, run, errors, results, history, and the same editors."""

import json

from checks import expect, until
from drawing import Drawing, boxes, by_command, centres, edit, expect_picture, many
from first_start import GRAPHS
from pictures import png, size


def idle(site):
    until(lambda: not any(site.server.get("/queue").values()), "expected the jobs to end", 30)
    site.page.tab.wait_for_timeout(250)


def state(site):
    return site.page.tab.locator("#state").inner_text()


def run(site):
    """Presses Run, and waits for the end."""
    tab = site.page.tab
    tab.evaluate("document.querySelector('#state').textContent = ''")
    tab.get_by_role("button", name="Run", exact=True).click()
    until(lambda: state(site).startswith(("Finished", "Failed", "Not run")), lambda: f"expected an end, got {state(site)!r}", 40)
    expect(state(site).startswith("Finished"), f"expected it to finish, got {state(site)!r}")


def results(site):
    """The pictures among the results."""
    tab = site.page.tab
    addresses = tab.locator("#results img").evaluate_all("images => images.map(i => i.getAttribute('src'))")
    return [site.server.request(address)[2] for address in addresses]


def opened(site, graph):
    site.page.tab.goto(f"{site.server.address}/lite#{graph}")
    site.page.tab.reload()
    until(lambda: site.page.tab.locator("#fields .field").count() > 0, "expected the form of the graph")


def gallery(site):
    page = site.open(None)
    page.tab.goto(f"{site.server.address}/lite")
    until(lambda: page.tab.locator("#graphs li").count() == len(GRAPHS), lambda: f"expected {len(GRAPHS)} graphs, got {page.tab.locator('#graphs li').count()}")
    page.tab.wait_for_timeout(500)
    site.shot("gallery")
    page.tab.get_by_label("Search").fill("reconstruct a photo from")
    until(lambda: page.tab.locator("#graphs li").count() == 1, "expected the search to find one")
    page.tab.locator("#graphs a").click()
    until(lambda: "Reconstruct" in page.tab.locator("#title").inner_text(), "expected the graph to open")


def form(site):
    tab = site.page.tab
    tab.get_by_label("tokens", exact=True).fill("48")
    run(site)
    made = results(site)
    expect(len(made) == 3 and all(p[:4] == b"\x89PNG" for p in made), f"expected three pictures, got {len(made)}")
    tab.wait_for_timeout(300)
    site.shot("results")
    return state(site)


def wrong(site):
    tab = site.page.tab
    site.page.expected.append(r"400 POST .*/api/run")
    tab.get_by_label("tokens", exact=True).fill("-5")
    tab.get_by_label("size", exact=True).fill("0")
    tab.get_by_role("button", name="Run", exact=True).click()
    shown = tab.locator("#fields .bad")
    until(lambda: sum(bool(t) for t in shown.all_inner_texts()) == 2, lambda: f"expected an error beside two fields, got {[t for t in shown.all_inner_texts() if t]}")
    site.shot("errors")
    return " | ".join(t for t in shown.all_inner_texts() if t)[:150]


def upload(site):
    tab = site.page.tab
    tab.get_by_label("tokens", exact=True).fill("64")
    tab.get_by_label("size", exact=True).fill("128")
    tab.get_by_label("Choose a file for image").set_input_files({"name": "lite.png", "mimeType": "image/png", "buffer": png(300, 200, (20, 90, 160))})
    until(lambda: tab.get_by_label("image", exact=True).input_value().endswith("lite.png"), "expected the upload to be chosen")
    run(site)
    expect(any(size(p) == (128, 128) for p in results(site)), f"expected 128 x 128 pixels, got {[size(p) for p in results(site)]}")


def cancel(site):
    opened(site, "generate")
    tab = site.page.tab
    tab.get_by_label("steps", exact=True).fill("5000")
    tab.get_by_role("button", name="Run", exact=True).click()
    until(lambda: site.server.get("/queue")["queue_running"], "expected a job that runs")
    until(lambda: tab.locator("#preview").is_visible(), "expected a live preview", 30)
    site.shot("preview")
    tab.get_by_role("button", name="Cancel", exact=True).click()
    until(lambda: state(site) == "Cancelled", lambda: f"expected Cancelled, got {state(site)!r}", 15)


def reload(site):
    """A job goes on while the page is loaded again."""
    tab = site.page.tab
    tab.get_by_label("steps", exact=True).fill("60")
    tab.get_by_role("button", name="Run", exact=True).click()
    tab.wait_for_timeout(300)
    tab.reload()
    until(lambda: state(site).startswith("Finished"), lambda: f"expected the job to finish, got {state(site)!r}", 40)
    expect(tab.get_by_label("steps", exact=True).input_value() == "60", "expected the form as it was")
    expect(results(site), "expected its results")
    expect(tab.locator("#history li").count() > 3, "expected the jobs in the list")


def keyboard(site):
    """Everything has a name, and Tab reaches Run."""
    tab = site.page.tab
    bare = tab.evaluate(
        """() => [...document.querySelectorAll('input, select, textarea, button, a, img')].filter(e => e.checkVisibility() &&
            !(e.ariaLabel || e.labels?.length || e.innerText?.trim() || e.alt !== undefined && e.hasAttribute('alt') || e.querySelector?.('img[alt]'))).map(e => e.outerHTML.slice(0, 90))"""
    )
    expect(not bare, f"expected a name for everything, got none for {bare[:4]}")
    tab.locator("#title").focus()
    for _ in range(60):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.textContent") == "Run":
            return
    raise AssertionError("expected Tab to reach Run")


def narrow(site):
    tab = site.page.tab
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.wait_for_timeout(200)
    wide = tab.evaluate("document.documentElement.scrollWidth")
    site.shot("360 pixels")
    tab.set_viewport_size({"width": 1600, "height": 1000})
    expect(wide <= 360, f"expected a page of 360 pixels, got {wide}")


def tokens(site):
    opened(site, "retouch")
    site.drawing = Drawing(site.page.tab, "token-canvas")
    mark = site.page.mark()
    run(site)
    until(lambda: site.drawing.said() == "256 tokens", lambda: f"expected 256 tokens, got {site.drawing.said()!r}")
    site.job = site.page.since(mark, "execution_start")[0]["prompt_id"]
    site.drawing.canvas.scroll_into_view_if_needed()
    site.places = centres(site.server.get(f"/api/values/{site.job}/refine/tokens"))
    value = lambda: json.loads(site.page.tab.get_by_role("textbox", name="edits", exact=True).input_value() or "[]")
    site.edits = edit(site.drawing, site.places, value, lambda: idle(site))
    site.shot("edited")
    return json.dumps(site.edits)[:110]


def picture(site):
    expect_picture(lambda: results(site)[0], by_command(site, "retouch", {"edits": json.dumps(site.edits)}))


def latency(site):
    return many(site.drawing, site.places, site.edits[0], lambda: idle(site))


def drawn(site, steps=4):
    opened(site, "generate-from-layout")
    tab = site.page.tab
    tab.get_by_label("steps", exact=True).fill(str(steps))
    drawing = Drawing(tab, "box-canvas")
    drawing.canvas.scroll_into_view_if_needed()
    made = boxes(drawing, lambda: json.loads(tab.get_by_role("textbox", name="boxes", exact=True).input_value()))
    shown = lambda: next(iter(results(site)), None)
    expect_picture(shown, by_command(site, "generate-from-layout", {"boxes": json.dumps(made), "steps": steps}))
    site.shot("boxes")
    names = tab.locator("#results img").evaluate_all("images => images.map(i => i.alt.split(':')[0])")
    expect(names == ["save", "save_layout"], f"expected the results in the order of the graph, got {names}")


# Scripts for a page whose requests take long.
LATE_CONNECTION = """const W = window.WebSocket; window.WebSocket = class {
    constructor(address) { setTimeout(() => {
        const made = Object.assign(new W(address), { onopen: this.onopen, onmessage: this.onmessage, onclose: this.onclose, binaryType: 'arraybuffer' })
        this.send = text => made.send(text)
    }, 400) }
}"""
LATE_EVENTS = """const W = window.WebSocket; window.WebSocket = class extends W {
    set onmessage(then) { super.onmessage = event => setTimeout(() => then(event), 150) }
}"""
# The page asks about its job when it is connected. The answer comes when the job is over.
LATE_ANSWERS = f"""{LATE_CONNECTION}; const get = window.fetch; window.fetch = async (...given) => {{
    const answer = await get(...given)
    if (/api.jobs.\\w/.test(given[0])) await new Promise(then => setTimeout(then, 3000))
    return answer
}}"""


def late(site):
    """What comes late does not stop the edits."""
    for script, steps in ((LATE_CONNECTION, 4), (LATE_EVENTS, 4), (LATE_ANSWERS, 30)):
        page = site.open(None)
        page.tab.add_init_script(script)
        drawn(site, steps)
        page.tab.wait_for_timeout(2000)
        before = page.tab.evaluate("shown.length")
        page.tab.get_by_test_id("box-canvas").press("n")
        until(lambda: page.tab.evaluate("shown.length") > before, "expected a new picture after one more box", 10)
        page.tab.reload()
        until(lambda: state(site).startswith("Finished"), lambda: f"expected the last job to be there after a reload, got {state(site)!r}")


def weight(site):
    """The files that a browser loads for a graph with the token canvas."""
    answers = []
    tab = site.open(None).tab
    tab.on("response", lambda answer: answers.append(answer))
    tab.goto(f"{site.server.address}/lite#retouch")
    tab.get_by_test_id("token-canvas").wait_for()
    tab.wait_for_load_state("networkidle")
    found = {a.url.removeprefix(site.server.address): len(a.body()) for a in answers if a.request.resource_type in ("document", "script", "stylesheet")}
    expect(len(found) == 17, f"expected 17 files, the token canvas among them, got {list(found)}")
    total = sum(found.values())
    expect(total < 60_000, f"expected less than 60 kB, got {total}: {found}")
    return f"{total} bytes in {len(found)} files"


CHECKS = [
    ("the gallery has every graph, and a search", gallery),
    ("a form is filled in, run, and shows three results", form),
    ("two errors are beside their fields", wrong),
    ("a picture is uploaded and used", upload),
    ("a job shows previews and is cancelled", cancel),
    ("a reload does not lose a job", reload),
    ("everything has a name, and the keyboard reaches Run", keyboard),
    ("it fits into 360 pixels", narrow),
    ("12 tokens are selected, moved, scaled, deleted and brought back", tokens),
    ("the picture is that of the same edits on the command line", picture),
    ("30 edits in a row", latency),
    ("two boxes are drawn, and their picture follows", drawn),
    ("what comes late does not stop the edits", late),
    ("page and token canvas weigh less than 60 kB", weight),
]
