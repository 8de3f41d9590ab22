"""Workflows that the front end makes, from easy to hard: `convert --api` gives what the front end sends, from both of its formats."""

import json
import pathlib
import subprocess

from checks import expect

HERE = pathlib.Path(__file__).parent
# As in workflows.js; a check compares.
NAMES = [
    "load-save", "values", "fan-out", "reconstruct", "number-nodes", "primitive", "seed", "json", "list", "muted", "bypassed", "reroute",
    "text-and-numbers", "list-with-a-gap", "bypass-without-a-way", "titles-groups", "optional-links", "subgraph", "subgraph-widgets", "promoted-twice",
    "inside-muted", "nested-subgraph", "bypassed-subgraph", "twice-a-subgraph", "everything",
]


def opened(site):
    page = site.open("/?template=layout")
    for script in ("making.js", "workflows.js"):
        page.tab.evaluate((HERE / script).read_text())
    names = page.tab.evaluate("makeWorkflow.names")
    expect(names == NAMES, f"expected the workflows {NAMES}, got {names}")


def plain(prompt):
    """A prompt without what is only shown."""
    return {node: {key: value for key, value in body.items() if key != "_meta"} for node, body in prompt.items()}


def difference(sent, converted):
    """The first few places in which two prompts differ."""
    found = []
    for node in sorted({*sent, *converted}):
        a, b = sent.get(node), converted.get(node)
        if a is None or b is None:
            found.append(f"node {node}: expected {a}, got {b}")
        elif a["class_type"] != b["class_type"]:
            found.append(f"node {node}: expected {a['class_type']}, got {b['class_type']}")
        else:
            for name in sorted({*a["inputs"], *b["inputs"]}):
                x, y = a["inputs"].get(name, "nothing"), b["inputs"].get(name, "nothing")
                if x != y or type(x) is not type(y) and not {type(x), type(y)} <= {int, float}:
                    found.append(f"node {node} {a['class_type']}.{name}: expected {json.dumps(x)}, got {json.dumps(y)}")
    return found


def converts(name):
    def check(site):
        made = site.page.tab.evaluate("name => makeWorkflow.make(name)", name)
        for form in ("workflow", "newer"):
            file = site.server.folder / f"{name}-{form}.json"
            file.write_text(json.dumps(made[form]))
            run = subprocess.run([site.server.program, "convert", "--api", file], capture_output=True, text=True, timeout=30, cwd=file.parent)
            expect(run.returncode == 0, f"expected version {made[form]['version']} to convert, got: {run.stderr[-1500:]}")
            found = difference(plain(made["prompt"]), plain(json.loads(run.stdout)))
            expect(not found, f"version {made[form]['version']}:\n" + "\n".join(found[:8]))
        return f"{len(made['prompt'])} nodes"

    return check


CHECKS = [("the workflows are there", opened), *((name, converts(name)) for name in NAMES)]
