"""Runs a prompt with comfyui-async-api-tool: async_api_tool.py ADDRESS PROMPT"""

import asyncio
import json
import sys

try:
    import aiohttp
    from comfyui_async_api_tool import ComfyClient
except ImportError as error:
    sys.exit(print(f"skipped: {error}"))


async def main(address, file):
    events = []
    async with aiohttp.ClientSession() as session:
        async for event in ComfyClient(session, servers=[address]).run(json.load(open(file))):
            events.append(event)
    kinds = [event["type"] for event in events]
    pictures = [event["data"] for event in events if event["type"] == "image"]
    if len(pictures) != 1 or pictures[0][:4] != b"\x89PNG" or "error" in kinds:
        sys.exit(f"expected one PNG and no error, got {[e if e['type'] != 'image' else 'image' for e in events]}")
    print(f"{kinds.count('progress')} times progress, a picture of {len(pictures[0])} bytes")


asyncio.run(main(*sys.argv[1:]))
