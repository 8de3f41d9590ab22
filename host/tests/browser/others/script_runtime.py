"""Runs load > resize > save with comfy-script: script_runtime.py ADDRESS PROMPT"""

import json
import sys

try:
    from comfy_script.runtime import *
except ImportError as error:
    sys.exit(print(f"skipped: {error}"))

load(sys.argv[1])
from comfy_script.runtime import nodes

values = {node["class_type"]: node["inputs"] for node in json.load(open(sys.argv[2])).values()}
with Workflow(wait=True):
    image, mask = nodes.StdLoadImage(path="chelsea.png")
    image = nodes.StdResize(image=image, width=values["std.Resize"]["width"], height=values["std.Resize"]["height"])
    nodes.StdSaveImage(image=image, path=values["std.SaveImage"]["path"])
print("finished")
