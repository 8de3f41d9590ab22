"""Clients that others wrote, unchanged: each runs a graph to its end, or lints one."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from checks import Skip, expect
from first_start import BRING, GRAPHS
from pictures import size
from server import PROJECT

HERE = pathlib.Path(__file__).parent / "others"
BIN = pathlib.Path(sys.executable).parent
NODE_MODULES = PROJECT / "node_modules-serve"


def prompt(width, **wrong):
    """load > resize > save. Each client has its width, so that no run is in the cache of another's."""
    return {
        "1": {"class_type": "std.LoadImage", "inputs": {"path": "chelsea.png"}},
        "2": {"class_type": "std.Resize", "inputs": {"image": ["1", 0], "width": width, "height": 40, **wrong}},
        "3": {"class_type": "std.SaveImage", "inputs": {"image": ["2", 0], "path": f"client-{width}.png"}},
    }


def call(site, command, seconds=60, fails=False):
    """Runs a client in a folder and a home of its own, and returns what it says."""
    folder = site.server.folder / "clients"
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "DO_NOT_TRACK": "1", "NO_COLOR": "1", "NODE_PATH": str(NODE_MODULES / "node_modules")}
    run = subprocess.run([str(c) for c in command], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
    expect((run.returncode != 0) == fails, f"expected {'a failure' if fails else 'success'}, got exit status {run.returncode}: {run.stdout[-1500:]}")
    return run.stdout


def written(site, name, content):
    folder = site.server.folder / "clients"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))
    return name


def needs(path, package):
    if not pathlib.Path(path).exists():
        raise Skip(f"{package} is not installed")
    return path


def expect_picture(site, width):
    """The job wrote a picture of this width."""
    status, _, picture = site.server.request(f"/view?filename=client-{width}.png&type=output")
    expect(status == 200 and size(picture) == (width, 40), f"expected a picture of {width} x 40 pixels, got {status} {size(picture) if status == 200 else picture[:200]}")


def lint(site):
    command = [needs(BIN / "comfy-lint", "comfy-lint"), "--server", site.server.address]
    said = call(site, [*command, "--strict", written(site, "lint.json", prompt(41))])
    expect("clean" in said, f"expected a clean graph, got {said}")
    said = call(site, [*command, written(site, "lint-wrong.json", prompt(41, fit="squash"))], fails=True)
    expect("invalid-enum" in said, f"expected it to find the wrong choice, got {said}")
    return said.splitlines()[0][-90:]


def lint_graphs(site):
    """All our graphs as prompts, but those that repeat a graph. To comfy-lint 0.1.0 a union of types is a mismatch and a list is missing: its own limits."""
    command = [needs(BIN / "comfy-lint", "comfy-lint"), "--server", site.server.address, "--json"]
    names = []
    for graph in sorted((PROJECT / "graphs").glob("*.json")):
        if graph.stem in GRAPHS:
            converted = subprocess.run([site.server.program, "convert", "--api", graph], cwd=graph.parent, capture_output=True, text=True, timeout=30)
            expect(converted.returncode == 0, converted.stderr[-500:])
            # It reads a list of links as a bad link, so lists come as the front end sends them.
            file = json.loads(converted.stdout)
            for node in file.values():
                for name, value in list(node["inputs"].items()):
                    if isinstance(value, list) and value and isinstance(value[0], list):
                        del node["inputs"][name]
                        node["inputs"].update({f"{name}.{name.rstrip('s')}{at}": link for at, link in enumerate(value)})
            names.append(written(site, f"{graph.stem}.json", file))
    folder = site.server.folder / "clients"
    run = subprocess.run([str(c) for c in [*command, *names]], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    errors = [(pathlib.Path(f["path"]).stem, d) for f in json.loads(run.stdout)["files"] for d in f["diagnostics"] if d["severity"] == "error"]
    unions = [e for e in errors if e[1]["rule"] == "type-mismatch" and ("," in e[1]["message"] or "*" in e[1]["message"]) or "COMFY_AUTOGROW_V3" in e[1]["message"]]
    other = [e for e in errors if e not in unions and e[0] not in BRING]
    expect(not other, f"expected no error but unions and lists, got {other[:4]}")
    return f"{len(names)} graphs, {len(unions)} unions and lists"


def cli(site):
    command = [needs(BIN / "comfy", "comfy-cli"), "--skip-prompt"]
    host, port = site.server.address.removeprefix("http://").split(":")
    said = call(site, [*command, "run", "--workflow", written(site, "cli.json", prompt(42)), "--wait", "--host", host, "--port", port, "--timeout", "30"], 90)
    expect_picture(site, 42)
    return said.strip().splitlines()[-1][-90:]


def cli_workflow(site):
    """comfy-cli also takes what the front end saves, and converts it itself."""
    command = [needs(BIN / "comfy", "comfy-cli"), "--skip-prompt"]
    host, port = site.server.address.removeprefix("http://").split(":")
    status, _, body = site.server.request("/api/userdata/workflows%2Fgraphs%2Freconstruct.json")
    expect(status == 200, f"expected the workflow of reconstruct, got {status}")
    call(site, [*command, "run", "--workflow", written(site, "workflow.json", json.loads(body)), "--wait", "--host", host, "--port", port, "--timeout", "30"], 90)


def python(script, width, *more):
    def check(site):
        file = written(site, f"{width}.json", prompt(width))
        said = call(site, [sys.executable, HERE / script, site.server.address, file, *more])
        if "skipped:" in said:
            raise Skip(said.split("skipped:")[1].strip())
        expect_picture(site, width)
        return said.strip().splitlines()[-1][-90:]

    return check


def node(script, width, package):
    def check(site):
        if not shutil.which("node"):
            raise Skip("there is no node")
        needs(NODE_MODULES / "node_modules" / package, package)
        # Modules are looked for beside the script.
        copy = NODE_MODULES / script
        shutil.copy(HERE / script, copy)
        said = call(site, ["node", copy, site.server.address, written(site, f"{width}.json", prompt(width))])
        expect_picture(site, width)
        return said.strip().splitlines()[-1][-90:]

    return check


CHECKS = [
    ("comfy-lint finds a graph clean, and a wrong choice", lint),
    ("comfy-lint finds our graphs clean", lint_graphs),
    ("comfy-cli runs a prompt", cli),
    ("comfy-cli runs a workflow", cli_workflow),
    ("comfyui-async-api-tool runs a prompt", python("async_api_tool.py", 43)),
    ("comfy-script runs a script", python("script_runtime.py", 44)),
    ("comfy-script gets the end of a job that is over before it listens", python("script_runtime.py", 44)),
    ("comfyui-workflow-generator makes a module, and runs it", python("workflow_generator.py", 45)),
    ("@saintno/comfyui-sdk runs a prompt", node("saintno_sdk.mjs", 46, "@saintno/comfyui-sdk")),
    ("@stable-canvas/comfyui-client runs a prompt", node("stable_canvas_client.mjs", 47, "@stable-canvas/comfyui-client")),
]
