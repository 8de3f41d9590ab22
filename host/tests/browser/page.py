"""The official front end in a browser: what a person sees and does, and what the page complains about."""

import json
import re
import struct

from checks import Useless, expect, until

# The front end asks for this file before it writes it.
MAY_BE_MISSING = re.compile(r"/api/userdata/workflows%2F\.index\.json")


class Page:
    """A tab with a session of its own."""

    def __init__(self, browser, address, path="/", renderer="canvas"):
        self.address = address
        self.context = browser.new_context(viewport={"width": 1600, "height": 1000})
        self.context.set_default_timeout(10_000)
        self.tab = self.context.new_page()
        self.renderer = renderer
        # Patterns of complaints that a check brings about itself.
        self.expected = []
        self.complaints, self.outside, self.frames = [], [], []
        self.tab.on("console", self._console)
        self.tab.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.tab.on("response", self._response)
        self.tab.on("requestfinished", self._request)
        self.tab.on("requestfailed", lambda request: "csp" not in request.failure.lower() and self._request(request))
        self.tab.on("websocket", lambda socket: socket.on("framereceived", self._frame))
        if path:
            self.open(path)

    def _console(self, message):
        # A failed load is told with its address by `_response`.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(f"console: {message.text}")

    def _response(self, response):
        if response.status >= 400 and not MAY_BE_MISSING.search(response.url):
            self.complaints.append(f"{response.status} {response.request.method} {response.url}")

    def _request(self, request):
        if not request.url.startswith((self.address, "data:", "blob:", self.address.replace("http", "ws"))):
            self.outside.append(request.url)

    def _frame(self, data):
        if isinstance(data, str):
            self.frames.append(json.loads(data))
        else:
            self.frames.append({"type": "binary", "data": {"kind": struct.unpack(">I", data[:4])[0], "bytes": len(data), "head": data[8:400]}})

    def open(self, path="/"):
        """Opens an address and waits until the editor is there."""
        self.tab.goto(self.address + path)
        self.ready()

    def ready(self):
        """Waits until the editor is there and has loaded what it restores."""
        # Asked from here, as the page's own policy forbids Playwright to wait inside it.
        try:
            until(lambda: self.tab.evaluate("!!(window.app?.vueAppReady && window.app.graph && !window.app.configuringGraph)"), "expected the editor to start", 30)
        except AssertionError as error:
            raise Useless(f"{error}; it says {self.complaints[:5]}") from None
        want = self.renderer == "vue"
        if self.setting("Comfy.VueNodes.Enabled") != want:
            self.tab.evaluate("want => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', want)", want)
        self.tab.wait_for_timeout(300)

    def close(self):
        self.context.close()

    def setting(self, name):
        return self.tab.evaluate("name => app.extensionManager.setting.get(name)", name)

    def escape(self):
        """Closes a dialog, if one is open."""
        self.tab.keyboard.press("Escape")
        self.tab.wait_for_timeout(200)

    def has(self, name):
        """Whether an element with this test name can be seen."""
        return self.tab.get_by_test_id(name).first.is_visible()

    def quiet(self):
        """Expects that the page complained about nothing but what was brought about, and asked nobody outside."""
        left = [c for c in self.complaints if not any(re.search(pattern, c) for pattern in self.expected)]
        expect(not left, "expected no complaint of the page, got:\n" + "\n".join(left[:8]))
        expect(not self.outside, f"expected no request to the outside, got {self.outside[:5]}")

    # The graph.

    def nodes(self):
        """Id, class, mode and error of each node of the open graph."""
        return self.tab.evaluate(
            "app.graph._nodes.map(n => ({id: String(n.id), type: n.type, title: n.title, mode: n.mode, known: n.type in LiteGraph.registered_node_types || !!n.subgraph, pos: [...n.pos], size: [...n.size]}))"
        )

    def node(self, type, nth=0):
        """The id of a node of a class."""
        found = [n["id"] for n in self.nodes() if n["type"] == type]
        expect(len(found) > nth, f"expected a node {type}, got {[n['type'] for n in self.nodes()]}")
        return found[nth]

    def set(self, node, name, value):
        """Sets a widget as an extension would."""
        self.tab.evaluate(
            """([id, name, value]) => {
                const node = app.graph._nodes.find(n => String(n.id) === id), widget = node.widgets.find(w => w.name === name)
                widget.value = value; widget.callback?.(value); app.graph.setDirtyCanvas(true, true)
            }""",
            [node, name, value],
        )

    def value(self, node, name):
        """The value of a widget."""
        return self.tab.evaluate("([id, name]) => app.graph._nodes.find(n => String(n.id) === id).widgets.find(w => w.name === name).value", [node, name])

    def look_at(self, node, scale=1.0):
        """Brings a node to the middle of the screen."""
        self.tab.evaluate(
            """([id, scale]) => {
                const node = app.graph._nodes.find(n => String(n.id) === id), { canvas, ds } = app.canvas
                ds.scale = scale
                ds.offset[0] = canvas.clientWidth / 2 / scale - node.pos[0] - node.size[0] / 2
                ds.offset[1] = canvas.clientHeight / 2 / scale - node.pos[1] - node.size[1] / 2
                app.canvas.setDirty(true, true)
            }""",
            [node, scale],
        )
        self.tab.wait_for_timeout(400)

    def place(self, node, name):
        """Where the middle of a widget is on the screen (canvas renderer)."""
        return self.tab.evaluate(
            """([id, name]) => {
                const node = app.graph._nodes.find(n => String(n.id) === id), widget = node.widgets.find(w => w.name === name)
                const point = app.canvasPosToClientPos([node.pos[0] + node.size[0] / 2, node.pos[1] + widget.y + (widget.computedHeight ?? 20) / 2])
                return [...point]
            }""",
            [node, name],
        )

    def type_number(self, node, name, value):
        """Types a number into a widget with mouse and keyboard."""
        self.look_at(node)
        if self.renderer == "vue":
            # A cover over the field takes the mouse: a click gives it the keyboard, a drag turns the number.
            field = self.tab.locator(f'[data-node-id="{node}"] [data-testid="node-widget"]', has_text=name).locator("input").first
            box = field.bounding_box()
            self.tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        else:
            self.tab.mouse.dblclick(*self.place(node, name))
            field = self.tab.locator(".graphdialog input").first
        field.fill(str(value))
        field.press("Enter")
        until(lambda: self.value(node, name) == value, lambda: f"expected {name} to be {value}, got {self.value(node, name)}", 3)

    # Jobs.

    def mark(self):
        """A place in the stream of messages."""
        return len(self.frames)

    def since(self, mark, type):
        """The messages of a type since a mark."""
        # Messages are heard while the page is asked something.
        self.tab.evaluate("0")
        return [f["data"] for f in self.frames[mark:] if f["type"] == type]

    def press_run(self):
        """Presses Run, and returns the mark from before."""
        mark = self.mark()
        self.tab.get_by_test_id("queue-button").click()
        return mark

    def ended(self, mark, how="execution_success", seconds=40):
        """Waits until the job behind a mark ends, and returns the last message."""
        ends = ("execution_success", "execution_error", "execution_interrupted")
        until(lambda: any(self.since(mark, end) for end in ends), "expected the job to end", seconds, 0.1)
        got = next(end for end in ends if self.since(mark, end))
        expect(got == how, f"expected {how}, got {got}: {self.since(mark, got)[0]}")
        return self.since(mark, how)[0]

    def run(self, seconds=40):
        """Runs the open graph to its end, and returns the mark from before."""
        mark = self.press_run()
        self.ended(mark, seconds=seconds)
        return mark

    def pictures(self, node):
        """The addresses of the pictures that a node shows."""
        return self.tab.evaluate(
            """id => { const node = app.graph._nodes.find(n => String(n.id) === id)
                const out = app.nodeOutputs[node.graph.isRootGraph === false ? id : id]?.images ?? []
                return out.map(i => `/api/view?filename=${encodeURIComponent(i.filename)}&subfolder=${encodeURIComponent(i.subfolder ?? '')}&type=${i.type}`) }""",
            node,
        )

    def drop(self, data, name, kind):
        """Drops a file on the canvas with a real drop event."""
        self.tab.evaluate(
            """async ([bytes, name, kind]) => {
                const file = new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], name, { type: kind })
                const data = new DataTransfer(); data.items.add(file)
                const target = app.canvasEl ?? document.querySelector('#graph-canvas'), at = { clientX: 800, clientY: 850 }
                for (const what of ['dragenter', 'dragover', 'drop']) target.dispatchEvent(new DragEvent(what, { bubbles: true, cancelable: true, dataTransfer: data, ...at }))
            }""",
            [data, name, kind],
        )
