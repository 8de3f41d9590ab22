"""What goes wrong is told at its node: two mistakes at once, an error while a node runs, and Run works again after them."""

from checks import expect, until

RENDERERS = ["canvas", "vue"]
# The answer 400 is how the protocol refuses a prompt, and the list of errors asks another site about packs, which the policy forbids.
BROUGHT_ABOUT = [r"400 POST .*/api/prompt", r"Prompt execution failed|PromptExecutionError|Prompt outputs failed", r"api\.comfy\.org/comfy-nodes"]


def marked(page):
    """The nodes that the page marks as wrong."""
    return set(page.tab.evaluate("app.graph._nodes.filter(n => n.has_errors || n.inputs?.some(i => i.hasErrors) || app.lastNodeErrors?.[n.id]).map(n => String(n.id))"))


def two(site):
    page = site.open("/?template=reconstruct")
    until(lambda: len(page.nodes()) > 5, "expected the graph of the link to open")
    page.expected += BROUGHT_ABOUT
    init, save = page.node("gpstoken.InitTokens"), page.node("std.SaveImage")
    page.set(init, "exponent", -7)
    page.set(save, "quality", 900)
    # Widgets keep values in their range, as typed values do; an old workflow need not.
    page.tab.evaluate("""ids => { for (const [id, name, value] of ids) app.graph._nodes.find(n => String(n.id) === id).widgets.find(w => w.name === name).value = value }""", [[init, "tokens", -3], [save, "quality", 900]])
    answers = []
    page.tab.on("response", lambda response: response.url.endswith("/api/prompt") and answers.append(response))
    page.press_run()
    until(lambda: answers and page.has("error-overlay"), "expected the page to tell the errors")
    body = answers[0].json()
    expect(answers[0].status == 400, f"expected status 400, got {answers[0].status}")
    expect({init, save} <= set(body["node_errors"]), f"expected errors at the nodes {init} and {save}, got {body}")
    for node in (init, save):
        for error in body["node_errors"][node]["errors"]:
            expect(error["extra_info"]["input_name"] and error["message"], f"expected an input and a message, got {error}")
    expect({init, save} <= marked(page), f"expected both nodes to be marked, got {marked(page)}")
    page.tab.evaluate("void app.extensionManager.command.execute('Comfy.Canvas.FitView')")
    page.tab.wait_for_timeout(500)
    site.shot("two errors")
    return "; ".join(e["message"] + " " + e["details"] for n in body["node_errors"].values() for e in n["errors"])[:160]


def details(site):
    page = site.page
    page.tab.get_by_test_id("error-overlay-see-errors").click()
    panel = page.tab.get_by_test_id("properties-panel")
    until(lambda: "tokens" in panel.inner_text() and "quality" in panel.inner_text(), lambda: f"expected both inputs by name, got {panel.inner_text()[:600]}", 5)
    site.shot("details")


def mended(site):
    page = site.page
    page.set(page.node("gpstoken.InitTokens"), "tokens", 64)
    page.set(page.node("gpstoken.InitTokens"), "exponent", 2.5)
    page.set(page.node("std.SaveImage"), "quality", 95)
    page.run()
    until(lambda: not marked(page), lambda: f"expected no node to be marked, got {marked(page)}", 5)


def failing(site):
    """A record has no field of this name; only the run finds out."""
    page = site.open("/?template=layout")
    until(lambda: len(page.nodes()) > 2, "expected the graph of the link to open")
    page.expected += BROUGHT_ABOUT
    page.tab.evaluate(
        """() => {
            const source = app.graph._nodes.find(n => n.outputs.some(o => o.type === 'LAYOUT'))
            const view = LiteGraph.createNode('std.View'); view.pos = [source.pos[0], source.pos[1] + 700]; app.graph.add(view)
            view.widgets.find(w => w.name === 'field').value = 'nope'
            const save = LiteGraph.createNode('std.SaveImage'); save.pos = [view.pos[0] + 500, view.pos[1]]; app.graph.add(save)
            save.widgets.find(w => w.name === 'path').value = 'nope.png'
            source.connect(source.outputs.findIndex(o => o.type === 'LAYOUT'), view, 0); view.connect(0, save, 0)
        }"""
    )
    mark = page.press_run()
    view = page.node("std.View")
    error = page.ended(mark, "execution_error")
    expect(error["node_id"] == view and error["node_type"] == "std.View", f"expected the error at node {view}, got {error['node_id']} {error['node_type']}")
    expect("nope" in error["exception_message"], f"expected a message about the field nope, got {error['exception_message']}")
    until(lambda: page.has("error-overlay"), "expected the page to tell the error")
    page.tab.evaluate("void app.extensionManager.command.execute('Comfy.Canvas.FitView')")
    page.tab.wait_for_timeout(500)
    site.shot("failed node")
    return error["exception_message"].strip()[:160]


def history(site):
    jobs = site.server.get("/api/jobs?status=failed&limit=1")["jobs"]
    expect(jobs and jobs[0]["status"] == "failed", f"expected a failed job, got {jobs}")
    expect(jobs[0]["execution_error"]["node_type"] == "std.View", f"expected its error at std.View, got {jobs[0]}")


CHECKS = [
    ("two mistakes are told at once, at their nodes", two),
    ("the details name both inputs", details),
    ("it runs when they are mended", mended),
    ("an error while a node runs is told at it", failing),
    ("the failed job is in the list of jobs", history),
]
