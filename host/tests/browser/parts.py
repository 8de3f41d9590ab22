"""Graphs in `parts` are blueprints: found by the search for nodes, added as subgraphs, and run. Help pages come from doc comments."""

from checks import expect, until


def found(site):
    blueprints = site.server.get("/api/global_subgraphs")
    names = [b["name"] for b in blueprints.values() if b["name"].lower().startswith("a picture to tokens") or "tokenize" in b["name"].lower()]
    expect(len(blueprints) >= 2 and names, f"expected both parts as blueprints, got {blueprints.keys()}")
    page = site.open("/?template=layout")
    until(lambda: len(page.nodes()) > 2, "expected the graph of the link to open")
    page.tab.wait_for_timeout(500)
    before = len(page.nodes())
    page.tab.mouse.dblclick(800, 880)
    page.tab.wait_for_timeout(500)
    # A colon would begin a filter.
    page.tab.keyboard.type(names[0].split(":")[0])
    page.tab.wait_for_timeout(600)
    site.shot("search")
    page.tab.keyboard.press("Enter")
    page.tab.wait_for_timeout(500)
    page.tab.mouse.click(800, 880)
    until(lambda: len(page.nodes()) == before + 1, lambda: f"expected one more node, got {[n['title'] for n in page.nodes()]}")


def runs(site):
    page = site.page
    page.tab.evaluate(
        """() => {
            const add = (type, values) => { const n = LiteGraph.createNode(type); app.graph.add(n); for (const [k, v] of Object.entries(values)) n.widgets.find(w => w.name === k).value = v; return n }
            const find = type => app.graph._nodes.find(n => n.type === type)
            const part = app.graph._nodes.find(n => n.subgraph), place = (n, name) => n.inputs.findIndex(i => i.name === name)
            const output = name => part.outputs.findIndex(o => o.name === name)
            find('std.Resize').connect(0, part, place(part, 'image'))
            if (place(part, 'tokenizer') >= 0) add('gpstoken.LoadTokenizer', {}).connect(0, part, place(part, 'tokenizer'))
            const draw = add('gpstoken.DrawTokens', {}), save = add('std.SaveImage', { path: 'part.png' })
            part.connect(Math.max(0, output('tokens')), draw, place(draw, 'tokens')); draw.connect(0, save, place(save, 'image'))
        }"""
    )
    mark = page.run()
    inner = [m["node"] for m in page.since(mark, "executing") if m["node"] and ":" in m["node"]]
    expect(inner, "expected nodes inside the part to run")
    until(lambda: page.pictures(page.node("std.SaveImage")), "expected a picture")
    page.tab.evaluate("void app.extensionManager.command.execute('Comfy.Canvas.FitView')")
    page.tab.wait_for_timeout(400)
    site.shot("part")


def help_page(site):
    info = site.server.get("/object_info/gpstoken.InitTokens")["gpstoken.InitTokens"]
    expect(info["description"], "expected a description")
    module = info["python_module"].split(".")
    pages = [f"/extensions/{module[1]}/docs/gpstoken.InitTokens.md"] if module[0] == "custom_nodes" else ["/docs/gpstoken.InitTokens/en.md"]
    for page in pages:
        status, headers, body = site.server.request(page)
        expect(status == 200 and b"exponent" in body and b"<!doctype" not in body.lower(), f"expected a help page at {page}, got {status} {body[:100]}")


CHECKS = [
    ("a part is found by the search and added", found),
    ("it runs", runs),
    ("a class has a help page", help_page),
]
