"""Starts the real program with folders of its own, and talks to it without a browser."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid

from checks import until

PROJECT = pathlib.Path(__file__).resolve().parents[3]


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """`splatgraph serve` on a free port, with its own data, results and copy of the graphs."""

    def __init__(self, program, frontend, address=None):
        self.program, self.frontend = program, frontend
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="splatgraph-serve-"))
        self.graphs, self.results = self.folder / "graphs", self.folder / "results"
        self.process = None
        self.log = self.folder / "serve.log"
        shutil.copytree(PROJECT / "graphs", self.graphs, ignore=shutil.ignore_patterns("tests", "Cargo.toml"))
        self.results.mkdir()
        # Somebody else's server is only talked to.
        self.foreign = address is not None
        self.address = address or f"http://127.0.0.1:{free_port()}"

    def start(self, *options):
        """Starts it, and waits until it answers."""
        if self.foreign:
            return self
        listen = self.address.removeprefix("http://")
        command = [self.program, "serve", "--listen", listen, "--data", self.folder / "data", "--graphs", self.graphs, "--frontend", self.frontend, *options]
        environment = {**os.environ, "XDG_DATA_HOME": str(self.folder / "data")}
        self.process = subprocess.Popen(command, cwd=self.results, env=environment, stdout=self.log.open("ab"), stderr=subprocess.STDOUT)
        until(self.answers, f"expected {listen} to answer; it says: {self.log.read_text()[-2000:]}", 20)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"expected serve to run, got exit status {self.process.returncode}: {self.log.read_text()[-2000:]}")
        try:
            self.get("/api/features")
            return True
        except OSError:
            return False

    def stop(self, kill=False):
        """Ends it, politely or not."""
        if self.process and self.process.poll() is None:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait(10)
        self.process = None

    def remove(self):
        """Ends it and removes its folders."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def request(self, path, body=None, headers=None):
        """Status, headers and bytes of an answer."""
        if body is not None and not isinstance(body, bytes):
            body, headers = json.dumps(body).encode(), {"content-type": "application/json", **(headers or {})}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.address + path, body, headers or {}), timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def get(self, path):
        """The JSON that a path answers."""
        status, _, body = self.request(path)
        if status != 200:
            raise AssertionError(f"expected {path} to answer 200, got {status}: {body[:300]!r}")
        return json.loads(body)

    def post(self, path, body):
        """Posts JSON, and returns the status and what came back."""
        status, _, answer = self.request(path, body)
        try:
            return status, json.loads(answer)
        except ValueError:
            return status, answer

    def queue(self, prompt, client=None, **more):
        """Queues a prompt, and returns its id."""
        status, answer = self.post("/prompt", {"prompt": prompt, "client_id": client or str(uuid.uuid4()), **more})
        if status != 200:
            raise AssertionError(f"expected the prompt to be queued, got {status}: {answer}")
        return answer["prompt_id"]

    def finished(self, prompt_id, seconds=60):
        """Waits until a job is in the history, and returns its entry."""
        return until(lambda: self.get(f"/history/{prompt_id}").get(prompt_id), f"expected job {prompt_id} to finish", seconds)


def prompt_of(graph):
    """One of the project's graphs as the protocol's clients send it: links with numbers need the classes, which the server knows."""
    return json.loads((PROJECT / "graphs" / f"{graph}.json").read_text())["nodes"]


def milliseconds(since):
    return (time.monotonic() - since) * 1000
