"""Makes a module of all classes with comfyui-workflow-generator, and runs with it: workflow_generator.py ADDRESS PROMPT"""

import importlib.util
import json
import subprocess
import sys

try:
    from comfyui_workflow_generator import ComfyUIWorkflowExecutor
except ImportError as error:
    sys.exit(print(f"skipped: {error}"))

address, file = sys.argv[1:]
generate = sys.executable.rsplit("/", 1)[0] + "/comfyui-generate"
subprocess.run([generate, address, "-o", "workflow_api.py"], check=True)
spec = importlib.util.spec_from_file_location("workflow_api", "workflow_api.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

# Its methods have no defaults.
values = {node["class_type"]: node["inputs"] for node in json.load(open(file)).values()}
workflow = module.Workflow()
image, mask = workflow.std_LoadImage(path="chelsea.png", profile="convert")
image = workflow.std_Resize(image=image, width=values["std.Resize"]["width"], height=values["std.Resize"]["height"], fit="fill", filter="lanczos")
workflow.std_SaveImage(image=image, path=values["std.SaveImage"]["path"], rounding="round", quality=95)
results = ComfyUIWorkflowExecutor(address).execute_workflow(workflow.workflow_dict, output_dir="generated")
print(f"{len([name for name in dir(workflow) if name.startswith(('std_', 'gpstoken_'))])} classes, results {results}")
